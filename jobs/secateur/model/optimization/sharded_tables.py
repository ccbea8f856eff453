"""Tables whose rows are spread over the ranks: row r and its moments live on rank r mod n.

A visit gathers the touched rows from their owners; a step sums the rows' gradients over all ranks
and each owner updates its own. Every rank knows the touched rows of the whole batch, so no ids
travel. `flush` writes the whole tables back into the model of every rank, to be looked at.

TorchRec shards more finely, but its wheels and those of fbgemm pin each other outside what the
hash lock can hold (they install with --no-deps only, one pair a torch release); and its fused
optimizers are not the dense-equivalent Adam that ranks best here. With torch's own collectives it
is this page.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from secateur.model.distributed import World
from secateur.model.optimization.sparse_optimizers import RowOptimizer

Make = Callable[[Sequence[Tensor]], RowOptimizer]


class Sharded:
    """A RowOptimizer over all ranks, each of which has `make` update its own rows."""

    def __init__(self, tables: Sequence[Tensor], make: Make, world: World) -> None:
        self.tables = [table.detach() for table in tables]
        self.world = world
        self.own = [table[world.rank :: world.size].clone() for table in self.tables]
        self.optimizer = make(self.own)
        self._owned = torch.empty(0, dtype=torch.bool)

    def visit(self, rows: Tensor) -> list[Tensor]:
        """See RowOptimizer; `rows` are those of the whole batch, the same on every rank."""
        owner = rows % self.world.size
        self._owned = owner == self.world.rank
        mine = self.optimizer.visit(rows[self._owned] // self.world.size)
        found = []
        for block in mine:
            whole = block.new_empty(len(rows), block.shape[1])
            for rank, part in enumerate(self.world.join(block)):
                whole[owner == rank] = part
            found.append(whole)
        return found

    def step(self, gradients: Sequence[Tensor]) -> None:
        """See RowOptimizer; `gradients` are those of this rank's share of the batch."""
        self.world.add(gradients)
        self.optimizer.step([gradient[self._owned] for gradient in gradients])

    def flush(self) -> None:
        """See RowOptimizer."""
        self.optimizer.flush()
        for table, own in zip(self.tables, self.own, strict=True):
            table.copy_(self._whole(own))

    def moments(self) -> list[dict[str, Tensor]]:
        """See RowOptimizer; of all ranks' rows."""
        return [
            {name: self._whole(own) for name, own in moments.items()}
            for moments in self.optimizer.moments()
        ]

    def inherit(self, moments: Sequence[Mapping[str, Tensor]]) -> None:
        """See RowOptimizer."""
        rank, size = self.world.rank, self.world.size
        self.optimizer.inherit(
            [{name: whole[rank::size] for name, whole in given.items()} for given in moments]
        )

    def state(self) -> dict[str, Tensor]:
        """See RowOptimizer; of this rank's rows, with their weights."""
        weights = {f"own.{number}": own for number, own in enumerate(self.own)}
        return self.optimizer.state() | weights

    def resume(self, state: dict[str, Tensor]) -> None:
        """See RowOptimizer."""
        for number, own in enumerate(self.own):
            own.copy_(state[f"own.{number}"])
        self.optimizer.resume(state)

    def _whole(self, own: Tensor) -> Tensor:
        """All rows, of which each rank has its `own`."""
        parts = self.world.join(own)
        whole = own.new_empty(sum(map(len, parts)), *own.shape[1:])
        for rank, part in enumerate(parts):
            whole[rank :: self.world.size] = part
        return whole
