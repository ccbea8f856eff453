"""The training loop, which may be cut at any step and goes on with the same bits."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from secateur.contracts.errors import ScenarioError
from secateur.contracts.models import TrainingCurve
from secateur.model.architectures.recommender import Embedded
from secateur.model.data.batches import Rows, to_device
from secateur.model.data.inputs import Inputs
from secateur.model.optimization.optimizers import ModelOptimizer, TrainingState
from secateur.model.training.checkpoints import Position
from secateur.model.training.cuda_graph import GraphedStep
from secateur.model.training.holdout import PREDICT_BATCH, HoldoutEvaluator, predict
from secateur.model.training.metrics import logit_loss, task_losses
from secateur.model.training.precision import score_function
from secateur.model.training.private_steps import PrivateGradients, RowsDrawnAnew
from secateur.model.training.training_context import TrainingContext


@dataclass(frozen=True)
class TrainingResult:
    """The curve of a training, and the state that a warm one leaves for a later night."""

    curve: TrainingCurve
    state: TrainingState | None


class TrainingLoop:
    """At most `epochs` epochs over `rows`: where the training stands, and its next step.

    The holdout is evaluated after even parts of an epoch, and at the end.
    """

    def __init__(
        self, evaluator: HoldoutEvaluator, rows: Rows, context: TrainingContext, epochs: float
    ) -> None:
        settings = context.settings
        self.evaluator, self.model = evaluator, evaluator.model
        self.context, self.settings = context, settings
        self.world, self.device = context.world, context.device
        self.limit = math.ceil(epochs * len(rows))
        self.rows = to_device(RowsDrawnAnew.of(rows) if settings.privacy else rows, self.device)
        self.score = score_function(self.model, settings.precision, self.device)
        weights = (settings.task_weights.get(task, 1.0) for task in self.model.spec.tasks)
        self.task_weights = torch.tensor([1.0, *weights], device=self.device)
        steps = math.ceil(epochs * len(rows) / settings.batch_size)
        self.optimizer = ModelOptimizer(self.model, settings, steps, self.world, context.start)
        self.private = None
        if settings.privacy:
            if self.world.size > 1:
                raise ScenarioError("training.privacy: its noise is one process's alone")
            a_step = min(settings.batch_size, len(rows))
            self.private = PrivateGradients(self.model, settings.privacy, a_step, self.task_weights)
        # Where a step launches the same kernels for every batch, a GPU can repeat it as a graph.
        same_kernels = self.optimizer.sparse is None and not self.model.spec.lists
        same_kernels = same_kernels and self.private is None
        graphed = self.device.type == "cuda" and self.world.size == 1 and same_kernels
        self.compute = GraphedStep(self._compute) if graphed else self._compute
        self.step = self.samples = self.evaluated = 0
        self.loss = torch.zeros((), device=self.device)

    def run(self) -> TrainingResult:
        """Train to the end; the model keeps the best weights, with batch norm folded in."""
        checkpoints, advance = self.context.checkpoints, self.context.advance
        found = checkpoints.newest() if checkpoints else None
        if found:
            self.resume(*found)
            advance(self.samples, self.evaluator.last)
        elif self.context.start:
            # Evaluated first, so that the model that is left is never worse than its warm start.
            inputs, targets = next(self.rows.batches(PREDICT_BATCH, self.context.seed))
            loss = logit_loss(predict(self.model, inputs), targets[:, 0].cpu())
            self.evaluator.evaluate(0, loss)
        batches = self.rows.batches(self.settings.batch_size, self.context.seed, start=self.step)
        self.model.train()
        while self.samples < self.limit and not self.evaluator.out_of_patience:
            inputs, targets = next(batches)
            self._take_step(inputs, targets)
            advance(len(targets), self.evaluator.last)
            evaluated = self._evaluate_if_due()
            if checkpoints and (evaluated or checkpoints.due):
                checkpoints.save(*self.state())
        state = self._final_state() if self.settings.start == "warm" else None
        curve = self.evaluator.restore_best()
        if self.private:
            curve = replace(curve, privacy=(self.private.steps_taken(self.step, len(self.rows)),))
        for tower in self.model.towers:
            tower.fold()
        return TrainingResult(curve, state)

    def _final_state(self) -> TrainingState:
        """What a later training goes on from: batch norm is not folded yet."""
        self.optimizer.flush()
        weights = {name: tensor.cpu() for name, tensor in self.evaluator.best_weights.items()}
        steps = self.optimizer.prior_steps + self.optimizer.steps_taken
        return TrainingState(weights, self.optimizer.moments(), steps)

    def state(self) -> tuple[Position, dict[str, Tensor]]:
        """All that a later process needs to go on from here.

        Tensors of any shape, named "<part>.<name>" as the parts name them: the model, its best
        weights, the optimizer; beside them the loss float32 [] and the random states uint8 [bytes].
        """
        evaluations, best = tuple(self.evaluator.evaluations), self.evaluator.best
        tensors = {"loss": self.loss, "random": torch.get_rng_state()}
        if self.device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        for prefix, part in self._parts().items():
            tensors |= {f"{prefix}.{name}": tensor for name, tensor in part.items()}
        return Position(self.step, self.samples, self.evaluated, evaluations, best), tensors

    def resume(self, position: Position, tensors: dict[str, Tensor]) -> None:
        """Go on from a position and tensors, named and shaped as `state` returns them."""
        self.step, self.samples = position.step, position.samples
        self.evaluated = position.evaluated
        parts = {
            prefix: {
                name.removeprefix(f"{prefix}."): tensor
                for name, tensor in tensors.items()
                if name.startswith(f"{prefix}.")
            }
            for prefix in self._parts()
        }
        self.model.load_state_dict(parts["model"])
        self.evaluator.resume(position.evaluations, position.best, parts["best"])
        self.optimizer.load_state(parts["optimizer"])
        self.loss = tensors["loss"].to(self.device)
        torch.set_rng_state(tensors["random"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random.cuda"])

    def _parts(self) -> dict[str, dict[str, Tensor]]:
        """The named tensors of each part of the state, of the parts' own shapes."""
        return {
            "model": self.model.state_dict(),
            "best": self.evaluator.best_weights,
            "optimizer": self.optimizer.state(),
        }

    def _take_step(self, inputs: Inputs, targets: Tensor) -> None:
        """One step on a batch with `targets` float32 [rows, 1 + tasks]."""
        self.optimizer.begin_step()
        self.compute(inputs.to(self.device), targets.to(self.device))
        self.step += 1
        self.samples += len(targets)

    def _compute(self, whole: Inputs, targets: Tensor) -> None:
        """Move the weights by the loss on a batch, of which this rank computes its share.

        `whole` and `targets` float32 [rows, 1 + tasks] are the batch's over all ranks.
        """
        if self.private:
            self.loss += self.private.backward(whole, targets)
            self.optimizer.step()
            return
        mine, wanted, count = whole, targets, len(targets)
        if self.world.size > 1:
            share = self.world.shard(torch.arange(count, device=self.device))
            mine, wanted = whole.take(share), targets[share]
        embedded = self.optimizer.embed(mine, whole)
        losses = task_losses(self.score(embedded), wanted, self.task_weights)
        objective = losses.sum() / count
        if self.settings.embedding_l2:
            objective = objective + self.settings.embedding_l2 * penalty(embedded) / count
        objective.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.loss += losses[0].detach()

    def _evaluate_if_due(self) -> bool:
        every = len(self.rows) / self.settings.evaluations_an_epoch
        due = min(math.ceil((self.evaluated // every + 1) * every), self.limit)
        if self.samples < due:
            return False
        self.world.all_reduce([self.loss])
        self.optimizer.flush()
        self.evaluator.evaluate(self.samples, float(self.loss) / (self.samples - self.evaluated))
        self.evaluated = self.samples
        self.loss.zero_()
        return True


def penalty(embedded: Embedded) -> Tensor:
    """Squared norm float32 [] of the batch's embeddings and first-order weights, over all rows."""
    return embedded.vectors.square().sum() + embedded.first_order.square().sum()
