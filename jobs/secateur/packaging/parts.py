"""The parts of a package's graph, taken from a model and quantized as the recipe says."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor, nn, no_grad

from secateur.contracts.candidates import Recipe
from secateur.model.architectures.dcnv2.network import DCNv2
from secateur.model.architectures.din.network import DIN
from secateur.model.architectures.dlrm.network import DLRM
from secateur.model.architectures.finalmlp.network import FinalMLP
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.tower import Tower
from secateur.model.data.inputs import Inputs
from secateur.packaging.arrangement import Arrangement
from secateur.packaging.quantization import (
    FloatLinear,
    Floats,
    IntegerLinear,
    PackedTable,
    float_table,
    integer_linear,
    integer_table,
)
from secateur.packaging.sharing import shared
from secateur.serving.files import layout

ACTIVATION_LEVELS = 255


@dataclass(frozen=True)
class Unit:
    """A DIN's activation unit for a list, which weighs its values by the field at `target`."""

    hidden: tuple[FloatLinear, ...]
    output: FloatLinear
    target: int


@dataclass(frozen=True)
class ListPart:
    """A list reads the `height` table rows from `start` on; `units` [dim + 1] is a unit's worth.

    With an activation `unit` it is pooled by that, and else a mean.
    """

    name: str
    start: int
    height: int
    units: Floats
    unit: Unit | None = None


@dataclass(frozen=True)
class BesideIds:
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
class Cross:
    """A cross network's layers, their integer weights computed with in float, and its output."""

    layers: tuple[FloatLinear | IntegerLinear, ...]
    output: Floats


@dataclass(frozen=True)
class Dots:
    """What a DLRM makes of its numbers: one embedding of `dim`; no layers without numbers.

    With `pairs` its tower reads the dot products of all embeddings, else the embeddings.
    """

    bottom: tuple[FloatLinear | IntegerLinear, ...]
    dim: int
    pairs: bool


@dataclass(frozen=True)
class Fusion:
    """A second tower, its integer weights computed with in float, and how it meets the first.

    `matrix` [last hidden neurons of the first, those of the second] has a bias of zeros.
    """

    hidden: tuple[FloatLinear | IntegerLinear, ...]
    output: FloatLinear
    matrix: FloatLinear | IntegerLinear


@dataclass(frozen=True)
class Parts:
    """What the graph is made of.

    `heights` are the rows of the table's blocks, the first `fields` of which ids read;
    `hidden` the tower's hidden layers, the first reading stored units; `steps` a unit's worth of
    each activation but the last, where integers read it; `output` the last layer, the model's bias
    in its first output, the label's; without a tower it has no weights. `tasks` name the other
    outputs. `cross` is a cross network's, `dots` a DLRM's, whose first hidden layer reads floats,
    `fusion` a FinalMLP's. `folded` tells whether stored rows hold a first order, with what pairs
    need in it. `request` are the places of fields that a request may say once (see `sides`).
    """

    architecture: str
    fields: int
    heights: tuple[int, ...]
    table: PackedTable
    hidden: tuple[FloatLinear | IntegerLinear, ...]
    steps: tuple[float, ...]
    output: FloatLinear
    beside: BesideIds
    cross: Cross | None = None
    dots: Dots | None = None
    fusion: Fusion | None = None
    folded: bool = True
    tasks: tuple[str, ...] = ()
    request: tuple[int, ...] = ()

    @property
    def sides(self) -> dict[str, tuple[int, ...]]:
        """The graph's inputs of ids, and the places of the fields in each: see `sides`."""
        items = tuple(i for i in range(self.fields) if i not in self.request)
        if not self.request or not items or self.cross or self.dots or self.fusion:
            return {layout.IDS: tuple(range(self.fields))}
        return {layout.REQUEST_IDS: self.request, layout.IDS: items}

    @property
    def pairs(self) -> bool:
        """Whether embeddings interact in pairs, as in a factorization machine."""
        return self.folded and self.table.rows.shape[1] > 1


def parts_of(
    model: Recommender,
    recipe: Recipe,
    calibration: Inputs,
    arrangement: Arrangement | None = None,
    request: tuple[int, ...] = (),
) -> Parts:
    """Take a model apart, its rows as in `arrangement`.

    `calibration` rows set the scales of integer activations. `request`: see `Parts`.
    """
    spec = model.spec
    arranged = arrangement or Arrangement.as_is(spec.rows)
    read = len(spec.fields) * spec.embedding_dim
    hidden, output = _tower(model.tower, _array(model.bias))
    table, dense = _tables(model, recipe, arranged)
    with no_grad():
        steps = _steps(_array(model.tower_input(model.embed(calibration))), hidden)
    first = hidden[0].weight if hidden else np.zeros((spec.tower_inputs, 0), np.float32)
    beside = _beside(model, dense, first[read:], table.units)
    if hidden and not isinstance(model, DLRM):
        # The first layer reads stored units, so what one of them is worth goes into its weights.
        worth = table.units[: len(spec.fields), :-1].reshape(-1, 1)
        hidden[0] = replace(hidden[0], weight=first[:read] * worth)
    layers = _at_bits(hidden, recipe)
    return Parts(
        architecture=spec.architecture,
        fields=len(spec.fields),
        heights=spec.rows,
        table=table,
        hidden=layers,
        steps=steps[:-1] if recipe.tower_bits != 32 else (),
        output=output,
        beside=beside,
        cross=_cross(model, recipe) if isinstance(model, DCNv2) else None,
        dots=_dots(model, recipe) if isinstance(model, DLRM) else None,
        fusion=_fusion(model, recipe) if isinstance(model, FinalMLP) else None,
        folded=model.first_orders > 0,
        tasks=spec.tasks,
        request=request,
    )


def _tower(tower: Tower, bias: Floats) -> tuple[list[FloatLinear], FloatLinear]:
    """Hidden layers, and the last one with `bias` in its first output; or that bias alone."""
    layers = [_linear(layer) for layer in tower.layers]
    if not layers:
        return [], FloatLinear(np.zeros((0, 1), np.float32), bias)
    *hidden, output = layers
    return hidden, replace(output, bias=np.append(output.bias[:1] + bias, output.bias[1:]))


def _tables(
    model: Recommender, recipe: Recipe, arrangement: Arrangement
) -> tuple[PackedTable, Floats]:
    """The stored table, and the rows (e_1 .. e_dim, w) that numbers and vectors read."""
    embedding, first_order = _array(model.embedding.weight), _array(model.first_order.weight)
    weights, stored = first_order.sum(axis=1), sum(model.spec.rows)
    dense = np.column_stack([embedding[stored:], weights[stored:]])
    pairs = model.first_orders > 0
    rows, orders = embedding[arrangement.order], weights[arrangement.order]
    if recipe.embedding_bits == 32:
        return float_table(rows, orders, model.spec.rows, pairs), dense
    return integer_table(rows, orders, arrangement, recipe, pairs), dense


def _cross(model: DCNv2, recipe: Recipe) -> Cross:
    layers = _at_bits([_linear(layer) for layer in model.cross], recipe)
    return Cross(layers, _array(model.cross_output.weight).T)


def _unit(model: DIN, place: int) -> Unit | None:
    target = model.spec.targets[place]
    if target is None:
        return None
    *hidden, output = map(_linear, model.unit(place).layers)
    return Unit(tuple(hidden), output, target)


def _fusion(model: FinalMLP, recipe: Recipe) -> Fusion:
    hidden, output = _tower(model.second, np.zeros(1, np.float32))
    weight = _array(model.fusion)
    (matrix,) = _at_bits([FloatLinear(weight, np.zeros(weight.shape[1], np.float32))], recipe)
    return Fusion(_at_bits(hidden, recipe), output, matrix)


def _at_bits(
    layers: Sequence[FloatLinear], recipe: Recipe
) -> tuple[FloatLinear | IntegerLinear, ...]:
    """Layers as the recipe stores them."""
    if recipe.tower_bits == 32:
        return tuple(layers)
    integers = (integer_linear(layer.weight, layer.bias) for layer in layers)
    values = 1 << recipe.tower_bits
    return tuple(replace(layer, weight=shared(layer.weight, values)) for layer in integers)


def _dots(model: DLRM, recipe: Recipe) -> Dots:
    bottom = _at_bits([_linear(layer) for layer in model.bottom], recipe)
    return Dots(bottom, model.spec.embedding_dim, model.spec.interaction == "dot")


def weight_counts(model: Recommender) -> dict[str, int]:
    """How many numbers the model's tables and tower hold, and how many of them are not zero."""
    values = list(model.parameters())
    return {
        "parameters": sum(value.numel() for value in values),
        "nonzero": sum(int(value.count_nonzero()) for value in values),
    }


def _linear(layer: nn.Module) -> FloatLinear:
    parameters = dict(layer.named_parameters())
    return FloatLinear(_array(parameters["weight"]).T, _array(parameters["bias"]))


def _array(tensor: Tensor) -> Floats:
    values: Floats = tensor.detach().numpy().astype(np.float32)
    return values


def _beside(model: Recommender, dense: Floats, first: Floats, units: Floats) -> BesideIds:
    """Take the rows of numbers and vectors, `dense`, apart, and place the lists."""
    spec = model.spec
    starts = np.cumsum((0, *spec.rows))
    lists = tuple(
        ListPart(
            name=one.name,
            start=int(starts[one.block]),
            height=spec.rows[one.block],
            units=units[one.block],
            unit=_unit(model, place) if isinstance(model, DIN) else None,
        )
        for place, one in enumerate(spec.lists)
    )
    ends = np.cumsum([len(spec.numbers), *(vector.length for vector in spec.vectors)])
    numbers, *vectors, _ = np.split(dense, ends)
    return BesideIds(lists, tuple(vectors), numbers, first)


def _steps(x: Floats, hidden: list[FloatLinear]) -> tuple[float, ...]:
    """Worth of one of 255 units of each hidden activation over tower inputs [n, tower_inputs]."""
    steps = []
    for layer in hidden:
        x = np.maximum(x @ layer.weight + layer.bias, 0)
        steps.append(float(x.max()) / ACTIVATION_LEVELS or 1.0)
    return tuple(steps)
