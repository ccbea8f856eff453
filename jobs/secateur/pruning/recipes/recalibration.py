"""A cut may move all scores alike: the label's bias is moved back, which no ranking notices.

This is Platt scaling (1999) of slope one: with the bias moved by d, sum sigmoid(z + d) = sum y over
the holdout of the train days. Its maximum of likelihood is unique. The bias is stored with the
package's last layer, so nothing is added to it. A slope would change every layer's scale.
"""

import logging

import torch
from torch import Tensor

from secateur.model.architectures.recommender import Recommender
from secateur.model.data.inputs import Inputs
from secateur.model.training.holdout import predict

log = logging.getLogger("secateur.pruning")

STEPS, CLOSE = 50, 1e-10


def recalibrate(model: Recommender, inputs: Inputs, labels: Tensor) -> float:
    """Move the bias so that predictions add up to the labels [rows]; return by how much.

    `inputs` are the rows as this model reads them. 0 where all labels are of one class.
    """
    logits, wanted = predict(model, inputs).double(), float(labels.double().mean())
    if not 0 < wanted < 1:
        log.warning(
            "not recalibrated: all %d labels of the holdout days are %g", len(labels), wanted
        )
        return 0.0
    before = float(torch.sigmoid(logits).mean())
    moved = _root(logits, wanted)
    with torch.no_grad():
        model.bias.add_(moved)
    log.info("recalibrated: mean score %.4f of %.4f, bias moved by %+.4f", before, wanted, moved)
    return moved


def _root(logits: Tensor, wanted: float) -> float:
    """Where the mean of sigmoid(logits [rows] + d) is `wanted`, by bisection."""
    low, high = -1.0, 1.0
    while float(torch.sigmoid(logits + low).mean()) > wanted:
        low *= 2
    while float(torch.sigmoid(logits + high).mean()) < wanted:
        high *= 2
    for _ in range(STEPS):
        middle = (low + high) / 2
        above = float(torch.sigmoid(logits + middle).mean()) > wanted
        low, high = (low, middle) if above else (middle, high)
        if high - low < CLOSE:
            break
    return (low + high) / 2
