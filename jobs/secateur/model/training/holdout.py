"""Looking at the holdout during training, and keeping the weights of the best look."""

from collections.abc import Sequence

import torch
from torch import Tensor

from secateur.contracts.models import Evaluation, TrainingCurve
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs
from secateur.model.distributed import World
from secateur.model.training.metrics import log_loss, logit_auc

PREDICT_BATCH = 8192


class Watch:
    """Every look at the holdout so far, and a copy of the weights that had the lowest loss there.

    The loss is against the label's targets on the holdout, AUCs against its labels: what a look is
    worth is the label's loss, whatever the tasks'.
    """

    def __init__(
        self, model: Recommender, holdout: Split, patience: int, world: World | None = None
    ) -> None:
        self.model = model
        self.holdout = holdout
        self.patience = patience
        self.looks: list[Evaluation] = []
        self.best = 0
        self.world = world or World()
        self.weights = _copy_of(model)

    def look(self, samples: int, train_loss: float) -> Evaluation:
        """Evaluate the model after `samples` rows, and keep its weights if none were better."""
        label, *tasks = self._predict().unbind(1)
        loss, area = (
            log_loss(label, self.holdout.targets[:, 0]),
            logit_auc(label, self.holdout.labels),
        )
        self.looks.append(Evaluation(samples, train_loss, loss, area, self._task_aucs(tasks)))
        if loss <= self.looks[self.best].holdout_loss:
            self.best = len(self.looks) - 1
            self.weights = _copy_of(self.model)
        return self.looks[-1]

    @property
    def last(self) -> Evaluation | None:
        """The last look, if there was one."""
        return self.looks[-1] if self.looks else None

    @property
    def out_of_patience(self) -> bool:
        """Whether the last `patience` looks were all worse than the best."""
        return len(self.looks) - 1 - self.best >= self.patience

    def restore(self) -> TrainingCurve:
        """Give the model its best weights back, and the curve of all looks."""
        self.model.load_state_dict(self.weights)
        return TrainingCurve(tuple(self.looks), self.best)

    def resume(self, looks: Sequence[Evaluation], best: int, weights: dict[str, Tensor]) -> None:
        """Go on from earlier looks, of which the one numbered `best` had these weights."""
        self.looks, self.best, self.weights = list(looks), best, weights

    def _task_aucs(self, logits: Sequence[Tensor]) -> dict[str, float]:
        """AUC of every task by name, of the rows that tell it."""
        areas = {}
        for place, task in enumerate(self.model.spec.tasks):
            assert self.holdout.tasks is not None  # noqa: S101 - of one schema with the model
            labels = self.holdout.tasks[:, place]
            known = ~labels.isnan()
            areas[task] = logit_auc(logits[place][known], labels[known])
        return areas

    def _predict(self) -> Tensor:
        """Logits [rows, 1 + tasks] of the holdout; each rank computes its share."""
        if self.world.size == 1:
            return predict_tasks(self.model, self.holdout.inputs)
        share = self.holdout.inputs.take(self.world.share(torch.arange(len(self.holdout))))
        logits = predict_tasks(self.model, share).to(self.model.bias.device)  # nccl needs it there
        return torch.cat(self.world.join(logits)).cpu()


def in_words(look: Evaluation | None) -> str:
    """A look in a few words."""
    if look is None:
        return ""
    tasks = "".join(f", {task} {area:.4f}" for task, area in look.task_aucs.items())
    return f"(holdout AUC {look.holdout_auc:.4f}{tasks}, loss {look.holdout_loss:.4f})"


def predict(model: Recommender, inputs: Inputs) -> Tensor:
    """The label's logits float32 [rows] on the CPU, without dropout."""
    return predict_tasks(model, inputs)[:, 0]


@torch.no_grad()
def predict_tasks(model: Recommender, inputs: Inputs) -> Tensor:
    """Logits float32 [rows, 1 + tasks] on the CPU, without dropout."""
    was_training, device = model.training, model.bias.device
    model.eval()
    batches = (batch.to(device) for batch in inputs.chunks(PREDICT_BATCH))
    logits = torch.cat([model(batch, tasks=True).cpu() for batch in batches])
    model.train(was_training)
    return logits


def _copy_of(model: Recommender) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}
