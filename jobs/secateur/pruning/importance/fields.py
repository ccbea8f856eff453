"""Importance of whole inputs (fields), one tensor [inputs] in the order of `ModelSpec.inputs`."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import fixed_inputs
from secateur.model.data.inputs import Inputs
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_loss
from secateur.pruning.importance.neurons import BATCH
from secateur.pruning.units.calibration import CalibrationData, block_names
from secateur.pruning.units.cost_model import US_A_VALUE

PERMUTED = 2  # takes one row in so many: every input costs a pass over them


def prunable(spec: ModelSpec) -> list[bool]:
    """Whether each input may go.

    A field whose vocabulary a list shares must stay, since the list reads the same rows; so must
    inputs that the architecture keeps together.
    """
    shared = {spec.fields[target] for target in spec.targets if target is not None}
    return [name not in shared | fixed_inputs(spec) for name in spec.inputs]


def field_score(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """Sum over samples of |(embedded input - its mean) * gradient of the loss|, float64 [inputs].

    To first order, how much the loss changes when the input is its mean everywhere. Infinite for
    an input that must stay.
    """
    spec = model.spec
    totals = torch.zeros(spec.embedding_count + len(spec.numbers)).double()
    with torch.no_grad():
        embedded = model.embed(calibration.sample.inputs)
        parts = (embedded.vectors, embedded.first_order, embedded.numbers, embedded.scaled)
        mean = [part.mean(dim=0) for part in parts]
    for leaves, gradients in _gradients(model, calibration):
        products = [
            (leaf - middle) * gradient
            for leaf, middle, gradient in zip(leaves, mean, gradients, strict=True)
        ]
        totals += _by_input(products, spec.embedding_count).abs().sum(dim=0)
    return (torch.where(torch.tensor(prunable(spec)), totals, torch.inf),)


def field_score_per_us(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """The field score by the microseconds that encoding takes in a request, float64 [inputs].

    For where a request's time is short: a candidate column must be worth as much as all the request
    columns that its time would pay for. Infinite for an input that must stay.
    """
    taken = [calibration.encoding.get(name, US_A_VALUE) for name in model.spec.inputs]
    return (field_score(model, calibration)[0] / torch.tensor(taken, dtype=torch.float64),)


def squared_gradients(model: Recommender, calibration: CalibrationData) -> list[Tensor]:
    """The sample's mean squared gradients for each block of the table, float64 [dim + 1].

    They are by the embedding, then by the first-order weight if the model has one, of the first
    input that reads the block.
    """
    spec, rows = model.spec, len(calibration.sample)
    columns = model.embedding.embedding_dim + model.first_order.embedding_dim
    totals = torch.zeros(spec.embedding_count, columns).double()
    for _, (vectors, first_order, *_) in _gradients(model, calibration):
        both = torch.cat([vectors.double(), first_order[:, : spec.embedding_count].double()], dim=2)
        totals += both.square().sum(dim=0)
    places = {name: place for place, name in enumerate(spec.inputs)}
    return [totals[places[name]] / max(1, rows) for name in block_names(spec)]


def _gradients(
    model: Recommender, calibration: CalibrationData
) -> Iterator[tuple[list[Tensor], list[Tensor]]]:
    """Embedded inputs batch by batch, and the gradients of the batch's summed loss by them.

    Each list holds vectors, first order, numbers and scaled, [batch, ..] as in `Embedded`.
    """
    sample = calibration.sample
    for inputs, labels in zip(
        sample.inputs.chunks(BATCH), torch.split(sample.labels, BATCH), strict=True
    ):
        embedded = model.embed(inputs)
        parts = [embedded.vectors, embedded.first_order, embedded.numbers, embedded.scaled]
        leaves = [part.detach().requires_grad_() for part in parts]
        vectors, first_order, numbers, scaled = leaves
        known = replace(
            embedded, vectors=vectors, first_order=first_order, numbers=numbers, scaled=scaled
        )
        loss = functional.binary_cross_entropy_with_logits(
            model.score(known)[:, 0], labels, reduction="sum"
        )
        found = torch.autograd.grad(loss, leaves, allow_unused=True)
        yield (
            [leaf.detach() for leaf in leaves],
            [
                torch.zeros_like(leaf) if one is None else one
                for leaf, one in zip(leaves, found, strict=True)
            ],
        )


def permutation(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """How much the log-loss rises when the input's values are permuted, float64 [inputs].

    Permutation importance (Breiman 2001) on the sample, by the calibration's seed. Infinite for an
    input that must stay.
    """
    spec = model.spec
    sample = calibration.sample.take(np.arange(len(calibration.sample)) % PERMUTED == 0)
    generator = torch.Generator().manual_seed(calibration.seed)
    order = torch.randperm(len(sample), generator=generator)
    before = logit_loss(predict(model, sample.inputs), sample.labels)
    after = [
        logit_loss(predict(model, _permute_input(sample.inputs, spec, name, order)), sample.labels)
        for name in spec.inputs
    ]
    rise = torch.tensor(after, dtype=torch.float64) - before
    return (torch.where(torch.tensor(prunable(spec)), rise, torch.inf),)


def field_score_confirmed(model: Recommender, calibration: CalibrationData) -> tuple[Tensor, ...]:
    """The larger of field score and permutation importance, as shares of their sums, [inputs].

    A first-order score misses an input that matters only together with others; so an input is worth
    little only where both say so. Infinite for an input that must stay.
    """
    first, second = (
        field_score(model, calibration)[0],
        permutation(model, calibration)[0].clamp(min=0),
    )
    free = first.isfinite()
    shares = [
        one / one[free].sum().clamp(min=torch.finfo(one.dtype).tiny) for one in (first, second)
    ]
    return (torch.where(free, torch.maximum(*shares), torch.inf),)


def _permute_input(inputs: Inputs, spec: ModelSpec, name: str, order: Tensor) -> Inputs:
    """The rows [n, ..] with one input's values from the rows at `order` int64 [n]."""
    if name in spec.fields:
        ids = inputs.ids.clone()
        place = spec.fields.index(name)
        ids[:, place] = ids[order, place]
        return replace(inputs, ids=ids)
    if name in spec.numbers:
        numbers = inputs.numbers.clone()
        place = spec.numbers.index(name)
        numbers[:, place] = numbers[order, place]
        return replace(inputs, numbers=numbers)
    lists = tuple(
        column.take(order) if one.name == name else column
        for one, column in zip(spec.lists, inputs.lists, strict=True)
    )
    vectors, start = inputs.vectors.clone(), 0
    for vector in spec.vectors:
        if vector.name == name:
            columns = slice(start, start + vector.length)
            vectors[:, columns] = vectors[order, columns]
        start += vector.length
    return replace(inputs, lists=lists, vectors=vectors)


def _by_input(products: list[Tensor], embedded: int) -> Tensor:
    """Products of each input summed over its dimensions, float64 [rows, inputs]."""
    vectors, first_order, numbers, scaled = (product.double() for product in products)
    of_vectors, of_first = vectors.sum(dim=2), first_order.sum(dim=2)
    numbers_too = of_first.shape[1] > embedded  # they have first-order weights
    of_numbers = numbers + scaled.sum(dim=2) + (of_first[:, embedded:] if numbers_too else 0)
    return torch.cat([of_vectors + of_first[:, :embedded], of_numbers], dim=1)
