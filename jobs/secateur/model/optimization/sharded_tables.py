"""Tables whose rows are spread over the ranks: row r and its moments live on rank r mod n.

A read gathers the touched rows from their owners; a step sums the rows' gradients over all ranks
and each owner updates its own. Every rank knows the touched rows of the whole batch, so no ids
travel. `flush` writes the whole tables back into the model of every rank, to be evaluated.

TorchRec shards more finely, but its wheels and those of fbgemm pin each other outside what the
hash lock can hold (they install with --no-deps only, one pair a torch release); and its fused
optimizers are not the dense-equivalent Adam that ranks best here. With torch's own collectives it
is this page.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from secateur.model.distributed import World
from secateur.model.optimization.sparse_optimizers import SparseOptimizer

MakeOptimizer = Callable[[Sequence[Tensor]], SparseOptimizer]


class ShardedTables:
    """A SparseOptimizer over all ranks, each of which updates its own rows by one from `make`."""

    def __init__(self, tables: Sequence[Tensor], make: MakeOptimizer, world: World) -> None:
        self.tables = [table.detach() for table in tables]
        self.world = world
        self.own = [table[world.rank :: world.size].clone() for table in self.tables]
        self.optimizer = make(self.own)
        self._is_mine = torch.empty(0, dtype=torch.bool)

    def read_rows(self, rows: Tensor) -> list[Tensor]:
        """See SparseOptimizer: int64 [n] of the whole batch to float32 [n, width] a table.

        Both are the same on every rank.
        """
        owner = rows % self.world.size
        self._is_mine = owner == self.world.rank
        mine = self.optimizer.read_rows(rows[self._is_mine] // self.world.size)
        found = []
        for block in mine:
            whole = block.new_empty(len(rows), block.shape[1])
            for rank, part in enumerate(self.world.all_gather(block)):
                whole[owner == rank] = part
            found.append(whole)
        return found

    def step(self, gradients: Sequence[Tensor]) -> None:
        """See SparseOptimizer; gradients [n, width] are those of this rank's share of the batch."""
        self.world.all_reduce(gradients)
        self.optimizer.step([gradient[self._is_mine] for gradient in gradients])

    def flush(self) -> None:
        """See SparseOptimizer."""
        self.optimizer.flush()
        for table, own in zip(self.tables, self.own, strict=True):
            table.copy_(self._gather(own))

    def moments(self) -> list[dict[str, Tensor]]:
        """See SparseOptimizer: [rows, ..] of all ranks' rows."""
        return [
            {name: self._gather(own) for name, own in moments.items()}
            for moments in self.optimizer.moments()
        ]

    def load_moments(self, moments: Sequence[Mapping[str, Tensor]]) -> None:
        """See SparseOptimizer: [rows, ..] of all ranks' rows."""
        rank, size = self.world.rank, self.world.size
        self.optimizer.load_moments(
            [{name: whole[rank::size] for name, whole in given.items()} for given in moments]
        )

    def state(self) -> dict[str, Tensor]:
        """See SparseOptimizer: of this rank's rows [rows / size, ..], with their weights."""
        weights = {f"own.{number}": own for number, own in enumerate(self.own)}
        return self.optimizer.state() | weights

    def load_state(self, state: dict[str, Tensor]) -> None:
        """See SparseOptimizer: of this rank's rows [rows / size, ..]."""
        for number, own in enumerate(self.own):
            own.copy_(state[f"own.{number}"])
        self.optimizer.load_state(state)

    def _gather(self, own: Tensor) -> Tensor:
        """All rows [rows, ..], of which each rank has its `own` [rows / size, ..]."""
        parts = self.world.all_gather(own)
        whole = own.new_empty(sum(map(len, parts)), *own.shape[1:])
        for rank, part in enumerate(parts):
            whole[rank :: self.world.size] = part
        return whole
