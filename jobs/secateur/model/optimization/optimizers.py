"""Which optimizer moves which weights of a model, as one that takes steps.

The tower and all other small parts: AdamW, fused, biases without decay. The two tables, by
`training.embedding_optimizer`:

- adam: the same AdamW. It reads and writes whole tables at every step.
- lazy_adam: the same to rounding, touching the batch's rows only (`LazyAdam`)
- rowwise_adagrad: one sum of squares a row (`RowwiseAdagrad`)
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
from secateur.model.optimization.closed_form_adamw import BETA1, BETA2, EPSILON, ClosedFormAdamW
from secateur.model.optimization.learning_rates import learning_rates
from secateur.model.optimization.sharded_tables import ShardedTables
from secateur.model.optimization.sparse_optimizers import (
    ADAM,
    LazyAdam,
    RowwiseAdagrad,
    SparseOptimizer,
)
from secateur.model.training_settings import Training

# From here on "auto" moves touched rows only. On a CPU this counts rows of the table for each row
# that a batch may touch. A GPU moves all weights in less time than it takes to find the touched
# rows, some 7 ms, up to about this many weights: reckoned from an H100's copy rate, not measured
# at that size (infra/bench/results/gpu.md).
AUTO_RATIO = 8
AUTO_WEIGHTS_ON_GPU = 700_000_000
TABLES = ("embedding.weight", "first_order.weight")


@dataclass(frozen=True, eq=False)
class TrainingState:
    """What a training leaves for a later one to go on from.

    Weights by name, the optimizers' moments by `<weight>.<moment>`, shaped as the weight or, of a
    table, [rows, 1]; and the number of steps that the moments have seen.
    """

    weights: Mapping[str, Tensor]
    moments: Mapping[str, Tensor]
    steps: int


class ModelOptimizer:
    """All optimizers of a model over a training of `steps` steps.

    A step is `begin_step`, `embed`, a loss, its backward pass, and `step`. With a `start` the
    optimizers begin with its moments.
    """

    def __init__(
        self,
        model: Recommender,
        training: Training,
        steps: int,
        world: World,
        start: TrainingState | None = None,
    ) -> None:
        self.model = model
        self.world = world
        self.steps_taken = 0
        self.rates = learning_rates(training.learning_rate, steps, training.warmup)
        self.tables: list[Tensor] = [model.embedding.weight, model.first_order.weight]
        self.kind = table_optimizer(training, model)
        self.table_l2 = training.table_l2
        groups = _groups(model, training, self.tables, whole=self.kind == "adam")
        # On a GPU the rate and the count of steps live there too: a captured step reads them.
        on_gpu = model.bias.is_cuda
        self.rate = torch.zeros((), device=model.bias.device) if on_gpu else 0.0
        self.dense = torch.optim.AdamW(
            groups, self.rate, (BETA1, BETA2), EPSILON, fused=True, capturable=on_gpu
        )
        self.prior_steps = start.steps if start else 0
        self.sparse = None if self.kind == "adam" else self._sparse_optimizer(training)
        if start:
            self._load_moments(start.moments)
        self._blocks: list[Tensor] = []

    def embed(self, inputs: Inputs, whole: Inputs) -> Embedded:
        """Embed this rank's `inputs` [rows / ranks] of a batch, `whole` [rows] over all ranks."""
        if self.sparse is None:
            return self.model.embed(inputs)
        touched = torch.unique(self.model.rows(whole))
        self._blocks = [block.requires_grad_() for block in self.sparse.read_rows(touched)]
        at = torch.searchsorted(touched, self.model.rows(inputs))
        return self.model.read(at, inputs, *self._blocks)

    def begin_step(self) -> None:
        """Set the learning rate of the step that comes."""
        at = self.steps_taken
        rate = float(self.rates[at]) if at < len(self.rates) else 0.0
        for group in self.dense.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        self.steps_taken += 1

    def step(self) -> None:
        """Move all weights by the gradients of the backward pass, and drop these."""
        parameters = [p for group in self.dense.param_groups for p in group["params"]]
        self.world.all_reduce([p.grad for p in parameters if p.grad is not None])
        if self.table_l2:
            for table in self.tables:
                if table.grad is not None:
                    table.grad.add_(table.detach(), alpha=self.table_l2)
        self.dense.step()
        self.dense.zero_grad(set_to_none=True)
        if self.sparse is not None:
            self.sparse.step(
                [
                    torch.zeros_like(block) if block.grad is None else block.grad
                    for block in self._blocks
                ]
            )

    def flush(self) -> None:
        """Bring the model's tables up to the last step, to be evaluated or saved."""
        if self.sparse is not None:
            self.sparse.flush()

    def moments(self) -> dict[str, Tensor]:
        """All moments on the CPU, shaped as a TrainingState has them, once `flush` was called."""
        found = {
            f"{name}.{moment}": self.dense.state[weight][moment]
            for name, weight in self.model.named_parameters()
            for moment in ADAM
            if weight in self.dense.state
        }
        of_tables = self.sparse.moments() if self.sparse else ()
        for table, moments in zip(TABLES, of_tables, strict=False):
            found |= {f"{table}.{moment}": tensor for moment, tensor in moments.items()}
        return {name: tensor.detach().cpu().clone() for name, tensor in found.items()}

    def _load_moments(self, moments: Mapping[str, Tensor]) -> None:
        """Begin with moments, named and shaped as in a TrainingState."""
        dense = [weight for group in self.dense.param_groups for weight in group["params"]]
        for name, weight in self.model.named_parameters():
            given = _below(f"{name}.", moments)
            if given.keys() >= set(ADAM) and any(weight is one for one in dense):
                seen = torch.tensor(float(self.prior_steps), device=weight.device)
                own = {moment: given[moment].clone().to(weight.device) for moment in ADAM}
                self.dense.state[weight] = {"step": seen, **own}
        if self.sparse is not None:
            self.sparse.load_moments([_below(f"{table}.", moments) for table in TABLES])

    def state(self) -> dict[str, Tensor]:
        """The tensors to go on from besides the model's own, shaped as the optimizers have them."""
        tensors = {"steps": torch.tensor(self.steps_taken)}
        for number, state in self.dense.state_dict()["state"].items():
            tensors |= {f"dense.{number}.{name}": tensor for name, tensor in state.items()}
        if self.sparse is not None:
            tensors |= {f"rows.{name}": tensor for name, tensor in self.sparse.state().items()}
        return tensors

    def load_state(self, tensors: dict[str, Tensor]) -> None:
        """Go on from a `state` of the same names and shapes; the model has its weights already."""
        self.steps_taken = int(tensors["steps"])
        states: dict[int, dict[str, Tensor]] = {}
        for key, tensor in _below("dense.", tensors).items():
            number, name = key.split(".", 1)
            states.setdefault(int(number), {})[name] = tensor
        self.dense.load_state_dict(self.dense.state_dict() | {"state": states})
        if self.sparse is not None:
            self.sparse.load_state(_below("rows.", tensors))

    def _sparse_optimizer(self, training: Training) -> SparseOptimizer:
        optimizer = LazyAdam if self.kind == "lazy_adam" else RowwiseAdagrad

        def make(tables: Sequence[Tensor]) -> SparseOptimizer:
            decay = training.embedding_weight_decay
            return optimizer(tables, ClosedFormAdamW(self.rates, decay, self.prior_steps))

        if self.world.size == 1:
            return make(self.tables)
        return ShardedTables(self.tables, make, self.world)


def table_optimizer(training: Training, model: Recommender) -> str:
    """The optimizer of the tables, "auto" resolved by how much of them a batch can touch.

    Private steps move every row, of tables that no event read too.
    """
    if training.privacy:
        return "adam"
    if training.embedding_optimizer != "auto":
        return training.embedding_optimizer
    if training.table_l2:
        return "adam"
    if model.bias.is_cuda:
        weights = model.embedding.weight.numel() + model.first_order.weight.numel()
        return "lazy_adam" if weights > AUTO_WEIGHTS_ON_GPU else "adam"
    touched = training.batch_size * model.spec.embedding_count
    return "lazy_adam" if len(model.embedding.weight) > AUTO_RATIO * touched else "adam"


def _groups(
    model: nn.Module, training: Training, tables: Sequence[Tensor], whole: bool
) -> list[dict[str, object]]:
    """AdamW's parameter groups: matrices with decay, [n] biases without, `tables` where `whole`."""
    small = [p for p in model.parameters() if not any(p is table for table in tables)]
    groups: list[dict[str, object]] = [
        {"params": [p for p in small if p.dim() > 1], "weight_decay": training.weight_decay},
        {"params": [p for p in small if p.dim() <= 1], "weight_decay": 0.0},
    ]
    if whole:
        groups.append({"params": list(tables), "weight_decay": training.embedding_weight_decay})
    return groups


def _below(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors, shapes untouched, whose names begin with `prefix`, by the rest of the name."""
    return {k.removeprefix(prefix): t for k, t in tensors.items() if k.startswith(prefix)}
