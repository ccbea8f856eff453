"""The parts of a package's graph: what is left of a model, quantized as its recipe says."""

from dataclasses import dataclass, field

import numpy as np

from secateur.onnx_graph.architecture_graph import ArchitectureGraph
from secateur.onnx_graph.linear_layers import FloatLinear, Floats, Linear
from secateur.packaging.quantization.table_quantization import PackedTable
from secateur.serving.files import layout


@dataclass(frozen=True)
class ListPart:
    """A list reads the `height` table rows from `start` on; `units` [dim + 1] is a unit's worth."""

    name: str
    start: int
    height: int
    units: Floats


@dataclass(frozen=True)
class NonIdParts:
    """Inputs other than ids. Their rows (e_1 .. e_dim, w) are computed, not stored: floats.

    `vectors` are the projections [length, dim + 1], `numbers` the rows [numbers, dim + 1];
    `first` [(lists + vectors) * dim + numbers, hidden] are the first layer's weights for them.
    """

    lists: tuple[ListPart, ...]
    vectors: tuple[Floats, ...]
    numbers: Floats
    first: Floats

    @property
    def rows(self) -> int:
        """How many rows a sample has of lists and vectors."""
        return len(self.lists) + len(self.vectors)

    @property
    def inputs(self) -> int:
        """How many inputs there are."""
        return self.rows + len(self.numbers)


@dataclass(frozen=True)
class Parts:
    """What the graph is made of.

    `heights` are the rows of the table's blocks, the first `fields` of which ids read;
    `hidden` the tower's hidden layers, the first reading stored units unless the architecture
    computes it; `steps` a unit's worth of each activation but the last, where integers read it;
    `output` the last layer, with the model's bias in its first output, the label's; without a tower
    it has no weights. `own` is the architecture's part. `folded` tells whether stored rows hold a
    first order, with what pairs need in it. `tasks` name the outputs besides the label's. `request`
    are the places of fields that a request may give once for all candidates (see `first_stage`).
    """

    architecture: str
    fields: int
    heights: tuple[int, ...]
    table: PackedTable
    hidden: tuple[Linear, ...]
    steps: tuple[float, ...]
    output: FloatLinear
    non_ids: NonIdParts
    own: ArchitectureGraph = field(default_factory=ArchitectureGraph)
    folded: bool = True
    tasks: tuple[str, ...] = ()
    request: tuple[int, ...] = ()

    @property
    def id_columns(self) -> dict[str, tuple[int, ...]]:
        """The graph's inputs of ids, and the places of the fields in each.

        A request's columns and the candidates' are apart, unless the architecture reads them whole.
        """
        candidates = tuple(i for i in range(self.fields) if i not in self.request)
        if not self.request or not candidates or self.own.reads_whole:
            return {layout.IDS: tuple(range(self.fields))}
        return {layout.REQUEST_IDS: self.request, layout.IDS: candidates}

    @property
    def width(self) -> int:
        """Columns of a row: its embedding's, and the first-order weight."""
        return int(self.table.rows.shape[1])

    @property
    def mixture(self) -> Floats:
        """What a row (e_1 .. e_dim, w) counts in field sums and first order, [dim + 1]; or [0].

        Half the squared norm of the sums is asked for, so all of them are over the root of 2.
        """
        counts = np.append(np.full(self.width - 1, 0.5**0.5), 1).astype(np.float32)
        return counts if self.folded else counts[:0]

    @property
    def pairs(self) -> bool:
        """Whether embeddings interact in pairs, as in a factorization machine."""
        return self.folded and self.width > 1
