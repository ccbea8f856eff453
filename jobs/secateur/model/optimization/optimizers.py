"""Which optimizer moves which weights of a model, as one that takes steps.

The tower and all other small parts: AdamW, fused, biases without decay. The two tables, by
`training.embedding_optimizer`:

- adam: the same AdamW. It reads and writes whole tables at every step.
- lazy_adam: what that does, to rounding, touching the batch's rows only (`rowwise.LazyAdam`)
- rowwise_adagrad: one sum of squares a row (`rowwise.RowwiseAdagrad`)
- auto: lazy_adam where a batch can touch less than 1/`AUTO_RATIO` of the rows, else adam

`table_l2` adds its share of every weight of the tables to the gradient, which Adam then divides
by that gradient's own size: a row that no batch touches goes to 0 within some |weight| / rate
steps, a rare one stays small, and only what the labels pull at often grows. Decoupled decay does
not: it shrinks all rows alike. Whole tables have gradients under "adam" alone, so "auto" is that.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from secateur.model.architectures.recommender import Embedded, Recommender
from secateur.model.data.inputs import Inputs
from secateur.model.distributed import World
from secateur.model.optimization.learning_rates import (
    BETA1,
    BETA2,
    EPSILON,
    Horizon,
    learning_rates,
)
from secateur.model.optimization.sharded_tables import Sharded
from secateur.model.optimization.sparse_optimizers import (
    ADAM,
    LazyAdam,
    RowOptimizer,
    RowwiseAdagrad,
)
from secateur.scenario import Training

# From here on "auto" moves touched rows only. On a CPU this counts rows of the table for each row
# that a batch may touch. A GPU moves all weights in less time than it takes to find the touched
# rows, some 7 ms, up to about this many weights: reckoned from an H100's copy rate, not measured
# at that size (infra/bench/results/gpu.md).
AUTO_RATIO = 8
AUTO_WEIGHTS_ON_GPU = 700_000_000
TABLES = ("embedding.weight", "first_order.weight")


@dataclass(frozen=True, eq=False)
class Memory:
    """What a training leaves to one that goes on: its weights by name, and its optimizers'
    moments, `<weight>.<moment>`, which have seen so many steps."""

    weights: Mapping[str, Tensor]
    moments: Mapping[str, Tensor]
    steps: int


class Optimization:
    """All optimizers of a model over a training of `steps` steps.

    A step is `begin`, `embed`, a loss, its backward pass, and `step`. With a `memory` they begin
    with its moments.
    """

    def __init__(
        self,
        model: Recommender,
        training: Training,
        steps: int,
        world: World,
        memory: Memory | None = None,
    ) -> None:
        self.model = model
        self.world = world
        self.taken = 0
        self.rates = learning_rates(training.learning_rate, steps, training.warmup)
        self.tables: list[Tensor] = [model.embedding.weight, model.first_order.weight]
        self.kind = kind_of(training, model)
        self.table_l2 = training.table_l2
        groups = _groups(model, training, self.tables, whole=self.kind == "adam")
        # On a GPU the rate and the count of steps live there too: a captured step reads them.
        on_gpu = model.bias.is_cuda
        self.rate = torch.zeros((), device=model.bias.device) if on_gpu else 0.0
        self.dense = torch.optim.AdamW(
            groups, self.rate, (BETA1, BETA2), EPSILON, fused=True, capturable=on_gpu
        )
        self.before = memory.steps if memory else 0
        self.rowwise = None if self.kind == "adam" else self._by_row(training)
        if memory:
            self._inherit(memory.moments)
        self._blocks: list[Tensor] = []

    def embed(self, inputs: Inputs, whole: Inputs) -> Embedded:
        """This rank's `inputs` embedded, of a batch whose inputs over all ranks are `whole`."""
        if self.rowwise is None:
            return self.model.embed(inputs)
        touched = torch.unique(self.model.rows(whole))
        self._blocks = [block.requires_grad_() for block in self.rowwise.visit(touched)]
        at = torch.searchsorted(touched, self.model.rows(inputs))
        return self.model.read(at, inputs, *self._blocks)

    def begin(self) -> None:
        """Set the learning rate of the step that comes."""
        rate = float(self.rates[self.taken]) if self.taken < len(self.rates) else 0.0
        for group in self.dense.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        self.taken += 1

    def step(self) -> None:
        """Move all weights by the gradients of the backward pass, which are then forgotten."""
        parameters = [p for group in self.dense.param_groups for p in group["params"]]
        self.world.add([p.grad for p in parameters if p.grad is not None])
        if self.table_l2:
            for table in self.tables:
                if table.grad is not None:
                    table.grad.add_(table.detach(), alpha=self.table_l2)
        self.dense.step()
        self.dense.zero_grad(set_to_none=True)
        if self.rowwise is not None:
            self.rowwise.step([_gradient(block) for block in self._blocks])

    def flush(self) -> None:
        """Bring the model's tables up to the last step, to be looked at or saved."""
        if self.rowwise is not None:
            self.rowwise.flush()

    def moments(self) -> dict[str, Tensor]:
        """All moments, on the CPU, as a Memory has them; once `flush` was called."""
        found = {
            f"{name}.{moment}": self.dense.state[weight][moment]
            for name, weight in self.model.named_parameters()
            for moment in ADAM
            if weight in self.dense.state
        }
        for table, moments in zip(
            TABLES, self.rowwise.moments() if self.rowwise else (), strict=False
        ):
            found |= {f"{table}.{moment}": tensor for moment, tensor in moments.items()}
        return {name: tensor.detach().cpu().clone() for name, tensor in found.items()}

    def _inherit(self, moments: Mapping[str, Tensor]) -> None:
        dense = [weight for group in self.dense.param_groups for weight in group["params"]]
        for name, weight in self.model.named_parameters():
            given = _below(f"{name}.", moments)
            if given.keys() >= set(ADAM) and any(weight is one for one in dense):
                seen = torch.tensor(float(self.before), device=weight.device)
                own = {moment: given[moment].clone().to(weight.device) for moment in ADAM}
                self.dense.state[weight] = {"step": seen, **own}
        if self.rowwise is not None:
            self.rowwise.inherit([_below(f"{table}.", moments) for table in TABLES])

    def state(self) -> dict[str, Tensor]:
        """The tensors to go on from, beside the model's own."""
        kept = {"taken": torch.tensor(self.taken)}
        for number, state in self.dense.state_dict()["state"].items():
            kept |= {f"dense.{number}.{name}": tensor for name, tensor in state.items()}
        if self.rowwise is not None:
            kept |= {f"rows.{name}": tensor for name, tensor in self.rowwise.state().items()}
        return kept

    def resume(self, kept: dict[str, Tensor]) -> None:
        """Go on from what `state` gave, the model's weights being those of that time."""
        self.taken = int(kept["taken"])
        states: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _below("dense.", kept).items():
            number, name = key.split(".", 1)
            states.setdefault(int(number), {})[name] = tensor
        self.dense.load_state_dict(self.dense.state_dict() | {"state": states})
        if self.rowwise is not None:
            self.rowwise.resume(_below("rows.", kept))

    def _by_row(self, training: Training) -> RowOptimizer:
        optimizer = LazyAdam if self.kind == "lazy_adam" else RowwiseAdagrad

        def make(tables: Sequence[Tensor]) -> RowOptimizer:
            horizon = Horizon(self.rates, training.embedding_weight_decay, self.before)
            return optimizer(tables, horizon)

        if self.world.size == 1:
            return make(self.tables)
        return Sharded(self.tables, make, self.world)


def kind_of(training: Training, model: Recommender) -> str:
    """The optimizer of the tables, "auto" resolved by how much of them a batch can touch."""
    if training.embedding_optimizer != "auto":
        return training.embedding_optimizer
    if training.table_l2:
        return "adam"
    if model.bias.is_cuda:
        weights = model.embedding.weight.numel() + model.first_order.weight.numel()
        return "lazy_adam" if weights > AUTO_WEIGHTS_ON_GPU else "adam"
    touched = training.batch_size * model.spec.embedded
    return "lazy_adam" if len(model.embedding.weight) > AUTO_RATIO * touched else "adam"


def _groups(
    model: nn.Module, training: Training, tables: Sequence[Tensor], whole: bool
) -> list[dict[str, object]]:
    """AdamW's parameter groups: what decays, what does not, and the tables where `whole`."""
    small = [p for p in model.parameters() if not any(p is table for table in tables)]
    groups: list[dict[str, object]] = [
        {"params": [p for p in small if p.dim() > 1], "weight_decay": training.weight_decay},
        {"params": [p for p in small if p.dim() <= 1], "weight_decay": 0.0},
    ]
    if whole:
        groups.append({"params": list(tables), "weight_decay": training.embedding_weight_decay})
    return groups


def _gradient(block: Tensor) -> Tensor:
    return torch.zeros_like(block) if block.grad is None else block.grad


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
