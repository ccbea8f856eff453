"""Private steps: rows drawn anew, every row's gradient cut to one norm, noise on all weights.

A row's gradient has a part for the tables, which is a few rows of them, and one for every other
weight. The second is had by torch.func, so many rows at a time, as large as the model each; the
first stays what the row's own embeddings get, and only its sum over the batch becomes as large as a
table. Of it the norm is bounded from above: inputs that share a block of the table may have read
the same row of it, so their parts are added up as if they had. A gradient is so cut too much rather
than too little (infra/decisions/a-private-step-cuts-a-row-not-a-batch.md).
"""

import hashlib
import hmac
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap

from secateur.contracts.errors import ScenarioError, UsageError
from secateur.contracts.models import ModelSpec, PrivateSteps
from secateur.model.architectures.recommender import Embedded, Recommender
from secateur.model.data.batches import Rows, Split
from secateur.model.data.inputs import Inputs
from secateur.model.training.metrics import task_losses
from secateur.model.training_settings import PrivacySettings

NOISE_KEY = "SECATEUR_NOISE_KEY"
MINIMUM_KEY_BYTES = 16
GRADIENTS_AT_ONCE = 1 << 24  # numbers: 64 MB of float32

Gradients = dict[str, Tensor]
RowGradients = tuple[Gradients, Tensor, Tensor, Tensor]  # of all but tables; of what was embedded


def secret_seed(seed: int) -> int:
    """A seed that nobody knows who lacks the key: noise that can be drawn again hides nothing.

    Raises UsageError without a key of 16 bytes in the environment.
    """
    key = os.environ.get(NOISE_KEY, "").encode()
    if len(key) < MINIMUM_KEY_BYTES:
        raise UsageError(
            f"training.privacy needs {NOISE_KEY}, a secret of at least {MINIMUM_KEY_BYTES} bytes: "
            "whoever can draw the noise again can take it away"
        )
    drawn = hmac.new(key, str(seed).encode(), hashlib.sha256).digest()
    return int.from_bytes(drawn[:7], "big")


@dataclass(frozen=True)
class RowsDrawnAnew:
    """Rows of which every step takes each with the same probability, whatever came before."""

    rows: Split

    @staticmethod
    def of(rows: Rows) -> "RowsDrawnAnew":
        """Such rows. Raises ScenarioError where they are not in memory."""
        if not isinstance(rows, Split):
            raise ScenarioError(
                "training.privacy draws every step from all rows, which do not fit into "
                "training.memory_mb: raise it, or take fewer days"
            )
        return RowsDrawnAnew(rows)

    def __len__(self) -> int:
        return len(self.rows)

    def batches(self, size: int, seed: int, start: int = 0) -> Iterator[tuple[Inputs, Tensor]]:
        """See Rows: targets [rows, 1 + tasks]; `size` rows on average, no epoch has each once."""
        rate, targets, step = min(size / len(self), 1.0), self.rows.targets, start
        while True:
            generator = torch.Generator().manual_seed(secret_seed(seed) + step)
            at = torch.nonzero(torch.rand(len(self), generator=generator) < rate)[:, 0]
            yield self.rows.inputs.take(at), targets[at]
            step += 1


class _Score(nn.Module):
    """A model's scores as what torch.func can call with other weights."""

    def __init__(self, model: Recommender) -> None:
        super().__init__()
        self.model = model

    def forward(self, *embedded: Tensor) -> Tensor:
        """Logits [1, 1 + tasks] of the tensors of an Embedded of one row."""
        return self.model.score(Embedded(*(part[None] for part in embedded)))


class PrivateGradients:
    """Leaves in every weight's `grad` what one private step moves it by.

    That is the sum of the rows' gradients, each of norm `clip` at most, plus noise of
    `noise_multiplier * clip` on every number, over the rows that a step has on average.
    """

    def __init__(
        self, model: Recommender, settings: PrivacySettings, rows: float, task_weights: Tensor
    ) -> None:
        demand_rows_apart(model)
        self.model, self.settings, self.rows = model, settings, rows
        self.task_weights = task_weights
        self.score = _Score(model)
        tables = (model.embedding.weight, model.first_order.weight)
        self.others = {
            f"model.{name}": weight
            for name, weight in model.named_parameters()
            if not any(weight is table for table in tables)
        }
        size = sum(weight.numel() for weight in self.others.values())
        self.at_once = max(1, GRADIENTS_AT_ONCE // max(size, 1))
        self.of_rows = vmap(
            grad_and_value(self._loss, argnums=(0, 1, 2, 3), has_aux=True),
            in_dims=(None, 0, 0, 0, 0, 0),
            randomness="different",
        )

    def backward(self, inputs: Inputs, targets: Tensor) -> Tensor:
        """The label's loss [] summed over the rows drawn; `targets` are [rows, 1 + tasks]."""
        total = torch.zeros((), device=targets.device)
        if len(targets):
            embedded = self.model.embed(inputs)
            found = [self._cut(embedded, inputs, targets, at) for at in self._chunks(len(targets))]
            total += torch.stack([loss for loss, _ in found]).sum()
            parts = [torch.cat(of) for of in zip(*(cut for _, cut in found), strict=True)]
            wanted = (embedded.vectors, embedded.scaled, embedded.first_order)
            pairs = [(w, g) for w, g in zip(wanted, parts, strict=True) if w.requires_grad]
            torch.autograd.backward([w for w, _ in pairs], [g for _, g in pairs])
        self._add_noise()
        return total

    def _chunks(self, rows: int) -> Iterator[slice]:
        return (slice(start, start + self.at_once) for start in range(0, rows, self.at_once))

    def _cut(
        self, embedded: Embedded, inputs: Inputs, targets: Tensor, at: slice
    ) -> tuple[Tensor, tuple[Tensor, Tensor, Tensor]]:
        """Add some rows' cut gradients to `others`; their loss [], and those of `embedded`."""
        parts = (embedded.vectors, embedded.scaled, embedded.first_order)
        vectors, scaled, first_order = (part.detach()[at] for part in parts)
        given = (vectors, scaled, first_order, embedded.numbers[at], targets[at])
        now = {name: weight.detach() for name, weight in self.others.items()}
        gradients, (_, losses) = self.of_rows(now, *given)
        of_others, *of_embedded = gradients
        squares = table_squares(self.model.spec, of_embedded, inputs.slice(at.start, at.stop))
        squares += sum(one.flatten(1).square().sum(1) for one in of_others.values())
        factors = (self.settings.clip / squares.sqrt().clamp(min=1e-12)).clamp(max=1.0)
        for name, weight in self.others.items():
            summed = torch.tensordot(factors, of_others[name], 1)
            weight.grad = summed if weight.grad is None else weight.grad + summed
        cut = tuple(factors[:, None, None] * one for one in of_embedded)
        return losses.sum().detach(), (cut[0], cut[1], cut[2])

    def _loss(
        self,
        others: Gradients,
        vectors: Tensor,
        scaled: Tensor,
        first_order: Tensor,
        numbers: Tensor,
        target: Tensor,
    ) -> tuple[Tensor, Tensor]:
        """The weighted loss [] of one row, and that of its label alone."""
        given = (vectors, numbers, scaled, first_order)
        losses = task_losses(
            functional_call(self.score, others, given), target[None], self.task_weights
        )
        return losses.sum(), losses[0]

    @torch.no_grad()
    def _add_noise(self) -> None:
        deviation = self.settings.noise_multiplier * self.settings.clip
        for weight in self.model.parameters():
            noise = deviation * torch.randn_like(weight)
            weight.grad = (noise if weight.grad is None else weight.grad + noise) / self.rows

    def steps_taken(self, steps: int, rows: int) -> PrivateSteps:
        """What so many steps over so many rows were."""
        one = self.settings
        rate = min(self.rows / max(rows, 1), 1.0)
        return PrivateSteps(rate, one.clip, one.noise_multiplier, steps, one.delta)


def demand_rows_apart(model: Recommender) -> None:
    """Insist that no row's gradient depends on another row, and that all of it can be cut.

    Raises ScenarioError.
    """
    if model.shapes.pools_by_weights:
        raise ScenarioError(f"training.privacy: {model.spec.architecture} has weights in its lists")
    if model.fake_quantization is not None:
        raise ScenarioError("training.privacy: steps of rounding are learned from all rows at once")
    if any(isinstance(module, nn.BatchNorm1d) for module in model.modules()):
        raise ScenarioError("training.privacy: batch_norm mixes the rows of a batch")


def table_squares(spec: ModelSpec, of_embedded: list[Tensor], inputs: Inputs) -> Tensor:
    """No less than the squared norm [rows] of each row's gradient over both tables.

    `of_embedded` are its gradients by vectors, scaled numbers and first order, as in Embedded.
    """
    of_vectors, of_scaled, of_first_order = of_embedded
    count = spec.embedding_count
    together = torch.cat([of_vectors, of_scaled], 1).square().sum(2)
    together = together + of_first_order.square().sum(2)
    lengths = [vector.length for vector in spec.vectors]
    sizes = [vector.norm(dim=1) for vector in torch.split(inputs.vectors, lengths, 1)]
    weights = torch.ones_like(together)
    for place, size in enumerate(sizes, start=count - len(sizes)):
        weights[:, place] = size
    weights[:, count:] = inputs.numbers.abs()
    blocks = [*range(len(spec.fields)), *(one.block for one in spec.lists)]
    fresh = range(len(spec.rows), len(spec.rows) + together.shape[1] - len(blocks))
    owner = torch.tensor([*blocks, *fresh], device=together.device)
    norms = together.sqrt() * weights
    by_block = norms.new_zeros(len(norms), int(owner.max()) + 1).index_add(1, owner, norms)
    return by_block.square().sum(1)
