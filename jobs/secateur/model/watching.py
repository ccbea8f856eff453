"""Looking at the holdout during training, and keeping the weights of the best look."""

import torch
from torch import Tensor

from secateur.contracts.models import Evaluation, TrainingCurve
from secateur.model.batches import Split
from secateur.model.deepfm import DeepFM
from secateur.model.metrics import auc, log_loss

PREDICT_BATCH = 8192


class Watch:
    """Every look at the holdout so far, and a copy of the weights that had the lowest loss there.

    The loss is against the holdout's targets, the AUC against its labels.
    """

    def __init__(self, model: DeepFM, holdout: Split, patience: int) -> None:
        self.model = model
        self.holdout = holdout
        self.patience = patience
        self.looks: list[Evaluation] = []
        self.best = 0
        self._weights = _copy_of(model)

    def look(self, samples: int, train_loss: float) -> Evaluation:
        """Evaluate the model after `samples` rows, and keep its weights if none were better."""
        logits = predict(self.model, self.holdout.ids)
        loss, area = log_loss(logits, self.holdout.targets), auc(logits, self.holdout.labels)
        self.looks.append(Evaluation(samples, train_loss, loss, area))
        if loss <= self.looks[self.best].holdout_loss:
            self.best = len(self.looks) - 1
            self._weights = _copy_of(self.model)
        return self.looks[-1]

    @property
    def out_of_patience(self) -> bool:
        """Whether the last `patience` looks were all worse than the best."""
        return len(self.looks) - 1 - self.best >= self.patience

    def restore(self) -> TrainingCurve:
        """Give the model its best weights back, and the curve of all looks."""
        self.model.load_state_dict(self._weights)
        return TrainingCurve(tuple(self.looks), self.best)


@torch.no_grad()
def predict(model: DeepFM, ids: Tensor) -> Tensor:
    """Logits float32 [rows] on the CPU of feature ids [rows, fields], without dropout."""
    was_training, device = model.training, model.bias.device
    model.eval()
    logits = torch.cat([model(batch.to(device)).cpu() for batch in torch.split(ids, PREDICT_BATCH)])
    model.train(was_training)
    return logits


def _copy_of(model: DeepFM) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}
