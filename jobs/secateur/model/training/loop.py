"""The loop of a training, which may be cut at any step and goes on with the same bits."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from secateur.contracts.models import Evaluation, TrainingCurve
from secateur.model.architectures.recommender import Embedded
from secateur.model.data.batches import Rows, near
from secateur.model.data.inputs import Inputs
from secateur.model.distributed import World
from secateur.model.optimization.optimizers import Memory, Optimization
from secateur.model.training.checkpoints import Checkpoints, Position
from secateur.model.training.cuda_graph import Captured
from secateur.model.training.holdout import PREDICT_BATCH, Watch, predict
from secateur.model.training.metrics import log_loss, task_losses
from secateur.model.training.precision import scoring
from secateur.scenario import Training

Advance = Callable[[float, Evaluation | None], None]


class Fit:
    """A training of at most `epochs` epochs: what it has become so far, and its next step.

    The holdout is looked at in even parts of an epoch, and at the end. A warm training goes on from
    `memory` and has `left` another when it ends.
    """

    def __init__(
        self,
        watch: Watch,
        rows: Rows,
        training: Training,
        epochs: float,
        seed: int,
        world: World,
        memory: Memory | None = None,
    ) -> None:
        self.watch, self.world = watch, world
        self.training, self.seed = training, seed
        self.limit = math.ceil(epochs * len(rows))
        self.device = watch.model.bias.device
        self.rows = near(rows, self.device)
        self.score = scoring(watch.model, training.precision, self.device)
        weights = (training.task_weights.get(task, 1.0) for task in watch.model.spec.tasks)
        self.weights = torch.tensor([1.0, *weights], device=self.device)
        steps = math.ceil(epochs * len(rows) / training.batch_size)
        self.memory = memory
        self.left: Memory | None = None
        self.optimization = Optimization(watch.model, training, steps, world, memory)
        self.descend = Captured(self._descend) if self._same_shapes else self._descend
        self.step = self.seen = self.looked = 0
        self.loss = torch.zeros((), device=self.device)

    def run(self, advance: Advance, checkpoints: Checkpoints | None = None) -> TrainingCurve:
        """Train to the end; the model keeps the weights of the best look, its norms folded.

        `advance` is told of every batch how many rows it had, and of the last look.
        """
        found = checkpoints.newest() if checkpoints else None
        if found:
            self.resume(*found)
            advance(self.seen, self.watch.last)
        elif self.memory:
            self._look_at_the_start()
        batches = self.rows.batches(self.training.batch_size, self.seed, start=self.step)
        self.watch.model.train()
        while self.seen < self.limit and not self.watch.out_of_patience:
            inputs, targets = next(batches)
            self._take(inputs, targets)
            advance(len(targets), self.watch.last)
            looked = self._look_if_due()
            if checkpoints and (looked or checkpoints.due):
                checkpoints.save(*self.state())
        if self.training.start == "warm":
            self.left = self._leave()
        curve = self.watch.restore()
        for tower in self.watch.model.towers:
            tower.fold()
        return curve

    def _leave(self) -> Memory:
        """What a later training goes on from: the norms are not folded yet."""
        self.optimization.flush()
        steps = self.optimization.before + self.optimization.taken
        weights = {name: tensor.cpu() for name, tensor in self.watch.weights.items()}
        return Memory(weights, self.optimization.moments(), steps)

    def state(self) -> tuple[Position, dict[str, Tensor]]:
        """All that a later process needs to go on from here."""
        looks, best = tuple(self.watch.looks), self.watch.best
        tensors = {"loss": self.loss, "random": torch.get_rng_state()}
        if self.device.type == "cuda":
            tensors["random.cuda"] = torch.cuda.get_rng_state()
        for prefix, kept in self._kept().items():
            tensors |= {f"{prefix}.{name}": tensor for name, tensor in kept.items()}
        return Position(self.step, self.seen, self.looked, looks, best), tensors

    def resume(self, position: Position, tensors: dict[str, Tensor]) -> None:
        """Go on from what `state` gave."""
        self.step, self.seen, self.looked = position.step, position.seen, position.looked
        parts = {
            prefix: {
                name.removeprefix(f"{prefix}."): tensor
                for name, tensor in tensors.items()
                if name.startswith(f"{prefix}.")
            }
            for prefix in self._kept()
        }
        self.watch.model.load_state_dict(parts["model"])
        self.watch.resume(position.looks, position.best, parts["best"])
        self.optimization.resume(parts["optimizer"])
        self.loss = tensors["loss"].to(self.device)
        torch.set_rng_state(tensors["random"])
        if self.device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random.cuda"])

    def _kept(self) -> dict[str, dict[str, Tensor]]:
        return {
            "model": self.watch.model.state_dict(),
            "best": self.watch.weights,
            "optimizer": self.optimization.state(),
        }

    @property
    def _same_shapes(self) -> bool:
        """Whether all batches of a size look the same to a GPU, which can then repeat one step."""
        optimization, lists = self.optimization, self.watch.model.spec.lists
        alone = self.world.size == 1
        return self.device.type == "cuda" and alone and not lists and optimization.rowwise is None

    def _take(self, inputs: Inputs, targets: Tensor) -> None:
        """One step on a batch."""
        self.optimization.begin()
        self.descend(inputs.to(self.device), targets.to(self.device))
        self.step += 1
        self.seen += len(targets)

    def _descend(self, whole: Inputs, targets: Tensor) -> None:
        """Move the weights by the loss on a batch, of which this rank computes its share."""
        mine, wanted, count = whole, targets, len(targets)
        if self.world.size > 1:
            share = self.world.share(torch.arange(count, device=self.device))
            mine, wanted = whole.take(share), targets[share]
        embedded = self.optimization.embed(mine, whole)
        losses = task_losses(self.score(embedded), wanted, self.weights)
        objective = losses.sum() / count
        if self.training.embedding_l2:
            objective = objective + self.training.embedding_l2 * penalty(embedded) / count
        objective.backward()  # type: ignore[no-untyped-call]
        self.optimization.step()
        self.loss += losses[0].detach()

    def _look_at_the_start(self) -> None:
        """So a training that goes on leaves a model no worse than it began with."""
        inputs, targets = next(self.rows.batches(PREDICT_BATCH, self.seed))
        self.watch.look(0, log_loss(predict(self.watch.model, inputs), targets[:, 0].cpu()))

    def _look_if_due(self) -> bool:
        """Look at the holdout if it is time to."""
        every = len(self.rows) / self.training.evaluations_an_epoch
        due = min(math.ceil((self.looked // every + 1) * every), self.limit)
        if self.seen < due:
            return False
        self.world.add([self.loss])
        self.optimization.flush()
        self.watch.look(self.seen, float(self.loss) / (self.seen - self.looked))
        self.looked = self.seen
        self.loss.zero_()
        return True


def penalty(embedded: Embedded) -> Tensor:
    """The squared norm of the embeddings and first-order weights that a batch became, summed."""
    return embedded.vectors.square().sum() + embedded.first_order.square().sum()
