"""Holdout evaluation during training, and the weights of the best one."""

from collections.abc import Sequence

import torch
from torch import Tensor

from secateur.contracts.models import Evaluation, TrainingCurve
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs
from secateur.model.distributed import World
from secateur.model.training.metrics import logit_auc, logit_loss

PREDICT_BATCH = 8192


class HoldoutEvaluator:
    """Evaluates a model on the holdout, and keeps a copy of the weights with the lowest loss.

    The loss is against the label's targets on the holdout, AUCs against its labels. Only the
    label's loss decides which evaluation is best, whatever the tasks' are.
    """

    def __init__(
        self, model: Recommender, holdout: Split, patience: int, world: World | None = None
    ) -> None:
        self.model = model
        self.holdout = holdout
        self.patience = patience
        self.evaluations: list[Evaluation] = []
        self.best = 0
        self.world = world or World()
        self.best_weights = _copy_of(model)

    def evaluate(self, samples: int, train_loss: float) -> Evaluation:
        """Evaluate the model after `samples` rows, and keep its weights if none were better."""
        label, *tasks = self._predict().unbind(1)
        loss = logit_loss(label, self.holdout.targets[:, 0])
        area = logit_auc(label, self.holdout.labels)
        self.evaluations.append(Evaluation(samples, train_loss, loss, area, self._task_aucs(tasks)))
        if loss <= self.evaluations[self.best].holdout_loss:
            self.best = len(self.evaluations) - 1
            self.best_weights = _copy_of(self.model)
        return self.evaluations[-1]

    @property
    def last(self) -> Evaluation | None:
        """The last evaluation, if there was one."""
        return self.evaluations[-1] if self.evaluations else None

    @property
    def out_of_patience(self) -> bool:
        """Whether the last `patience` evaluations were all worse than the best."""
        return len(self.evaluations) - 1 - self.best >= self.patience

    def restore_best(self) -> TrainingCurve:
        """Give the model its best weights back, and return the curve of all evaluations."""
        self.model.load_state_dict(self.best_weights)
        return TrainingCurve(tuple(self.evaluations), self.best)

    def resume(
        self, evaluations: Sequence[Evaluation], best: int, weights: dict[str, Tensor]
    ) -> None:
        """Go on after earlier evaluations, whose number `best` had these weights.

        Names and shapes of the weights are those of the model's state dict.
        """
        self.evaluations, self.best, self.best_weights = list(evaluations), best, weights

    def _task_aucs(self, logits: Sequence[Tensor]) -> dict[str, float]:
        """AUC of every task by name, over the rows that have its label; `logits` [rows] a task."""
        areas = {}
        for place, task in enumerate(self.model.spec.tasks):
            assert self.holdout.tasks is not None  # noqa: S101 - of one schema with the model
            labels = self.holdout.tasks[:, place]
            known = ~labels.isnan()
            areas[task] = logit_auc(logits[place][known], labels[known])
        return areas

    def _predict(self) -> Tensor:
        """Logits float32 [rows, 1 + tasks] of the holdout; each rank computes its share."""
        if self.world.size == 1:
            return predict_tasks(self.model, self.holdout.inputs)
        share = self.holdout.inputs.take(self.world.shard(torch.arange(len(self.holdout))))
        logits = predict_tasks(self.model, share).to(self.model.bias.device)  # nccl needs it there
        return torch.cat(self.world.all_gather(logits)).cpu()


def describe(evaluation: Evaluation | None) -> str:
    """An evaluation in a few words; "" before the first."""
    if evaluation is None:
        return ""
    tasks = "".join(f", {task} {area:.4f}" for task, area in evaluation.task_aucs.items())
    return f"(holdout AUC {evaluation.holdout_auc:.4f}{tasks}, loss {evaluation.holdout_loss:.4f})"


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
    """The model's state dict, in memory of its own: names and shapes are the model's."""
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}
