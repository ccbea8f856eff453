"""What a raw value means (`secateur.encoding`), as standard ONNX operators.

    category   text [n], in its canonical spelling; empty is missing
    user       uint64 [n], the keyed hash of a hashed category; 0 is missing
    number     float64 [n], of buckets and numbers; NaN is missing
    list       text [n, m], rows padded with empty texts; so are histories
    vector     float32 [n, length]; zeros, or what is not finite, is missing

n is 1, for all candidates, or their number.
"""

import math
from collections.abc import Collection, Sequence

import numpy as np

from secateur.contracts.errors import UsageError
from secateur.contracts.features import (
    BucketField,
    CategoryField,
    ListField,
    NumberField,
    VectorField,
)
from secateur.encoding.numbers import number_in
from secateur.encoding.spelling import canonical
from secateur.onnx_graph.graph import Value
from secateur.onnx_graph.raw_graph import RawGraph
from secateur.serving.files import layout
from secateur.serving.files.vocabulary import HASH_BITS, Hashes, Values

ROWS = "candidates"


def category_inputs(graph: RawGraph, field: CategoryField, known: Values) -> tuple[Value, Value]:
    """The raw input of a category, and its int32 ids [n]."""
    if isinstance(known, Hashes):
        return _hashed_inputs(graph, field, known)
    given = graph.texts(field.name, _dimension(field.name))
    return given, graph.look_up(given, [*known], range(len(known)), field.oov)


def _hashed_inputs(graph: RawGraph, field: CategoryField, known: Hashes) -> tuple[Value, Value]:
    given = graph.input(field.name, np.uint64, _dimension(field.name))
    prefix = given
    if known.bits < HASH_BITS:
        dropped = graph.constant(np.uint64(HASH_BITS - known.bits))
        prefix = graph.op("BitShift", given, dropped, direction="RIGHT")  # type: ignore[arg-type]
    keys = known.prefixes.view(np.int64).tolist()
    prefix = graph.cast(prefix, np.int64)
    found = graph.look_up(prefix, keys, range(len(keys)), field.oov)
    is_missing = graph.op("Equal", graph.cast(given, np.int64), graph.constant(np.int64(0)))
    return given, graph.op("Where", is_missing, graph.constant(np.int32(field.oov)), found)


def bucket_inputs(
    graph: RawGraph, field: BucketField, absent: Collection[str]
) -> tuple[Value, Value]:
    """The raw input of a bucket field, and its int32 ids [n]."""
    given = graph.input(field.name, np.float64, _dimension(field.name))
    found = graph.cast(_count_reached(graph, given, field.boundaries), np.int32)
    oov = graph.constant(np.int32(field.oov))
    return given, graph.op("Where", _is_missing(graph, given, absent), oov, found)


def number_inputs(
    graph: RawGraph, field: NumberField, absent: Collection[str]
) -> tuple[Value, Value]:
    """The raw input of a number field, and its float32 [n] by the field's scale."""
    given = graph.input(field.name, np.float64, _dimension(field.name))
    zero = graph.constant(np.float64(0))
    is_missing = graph.op("Or", _is_missing(graph, given, absent), graph.op("IsInf", given))
    finite = graph.op("Where", is_missing, zero, given)
    found = graph.cast(_by_scale(graph, field, finite), np.float32)
    is_nothing = graph.op("Or", is_missing, graph.op("IsInf", found))
    return given, graph.op("Where", is_nothing, graph.constant(np.float32(0)), found)


def list_inputs(
    graph: RawGraph, field: ListField, known: Values, absent: Collection[str]
) -> tuple[Value, Value]:
    """The raw input of a list, and its int32 ids [n, m], padded at any place."""
    if isinstance(known, Hashes):
        raise UsageError(f"{field.name} lists keyed hashes: no graph makes them")
    given = graph.texts(field.name, _dimension(field.name), f"{field.name}_values")
    ids = dict(zip(known, range(len(known)), strict=True)) | {"": layout.PADDING}
    if field.history:
        ids |= dict.fromkeys(absent, layout.PADDING)
    found = graph.look_up(given, [*ids], [*ids.values()], field.oov)
    padding, one = graph.constant(np.int32(layout.PADDING)), graph.constant(np.int32(1))
    present = graph.cast(graph.op("Greater", found, padding), np.int32)
    count = graph.op("ReduceSum", present, graph.integers(1), keepdims=1)
    place = graph.op("CumSum", present, one)
    if field.history:  # counted from the end
        place = graph.op("Add", graph.op("Sub", count, place), one)
    is_kept = graph.op("LessOrEqual", place, graph.constant(np.int32(field.length)))
    if absent and not field.history:  # a single value that means a missing list
        hits = graph.look_up(given, [*absent], [1] * len(absent), 0)
        others = graph.op("Sub", count, graph.op("ReduceSum", hits, graph.integers(1), keepdims=1))
        is_known = graph.op("Greater", others, graph.constant(np.int32(0)))
        is_list = graph.op("Or", graph.op("Greater", count, one), is_known)
        is_kept = graph.op("And", is_kept, is_list)
    return given, graph.op("Where", is_kept, found, padding)


def vector_inputs(graph: RawGraph, field: VectorField) -> tuple[Value, Value]:
    """The raw input of a vector, and its float32 [n, length]."""
    given = graph.input(field.name, np.float32, _dimension(field.name), field.length)
    is_bad = graph.op("Or", graph.op("IsNaN", given), graph.op("IsInf", given))
    bad = graph.op("ReduceMax", graph.cast(is_bad, np.int32), graph.integers(1), keepdims=1)
    zero = graph.constant(np.float32(0))
    return given, graph.op("Where", graph.cast(bad, np.bool_), zero, given)


def _dimension(name: str) -> str:
    return f"{name}_or_one"


def _count_reached(graph: RawGraph, numbers: Value, boundaries: Sequence[float]) -> Value:
    """Int64 [n]: how many of the boundaries each of float64 [n] reaches."""
    edges = graph.constant(np.array(boundaries, np.float64).reshape(1, -1))
    column = graph.op("Unsqueeze", numbers, graph.integers(1))
    reached = graph.cast(graph.op("GreaterOrEqual", column, edges), np.int64)
    return graph.op("ReduceSum", reached, graph.integers(1), keepdims=0)


def _is_missing(graph: RawGraph, numbers: Value, absent: Collection[str]) -> Value:
    """Whether each of float64 [n] is NaN, or a number that the log means a missing one by."""
    found = graph.op("IsNaN", numbers)
    for number in map(number_in, absent):
        if not math.isnan(number) and canonical(number) in absent:
            equal = graph.op("Equal", numbers, graph.constant(np.float64(number)))
            found = graph.op("Or", found, equal)
    return found


def _by_scale(graph: RawGraph, field: NumberField, x: Value) -> Value:
    """Float64 [n] of finite float64 [n]; see `secateur.encoding.scales`."""
    if field.scale == "quantile":
        return _share_of_rows(graph, field.knots, x)
    if field.scale != "standard":
        size = graph.op("Log", graph.op("Add", graph.op("Abs", x), graph.constant(np.float64(1))))
        x = graph.op("Mul", graph.op("Sign", x), size)
    if field.scale == "log":
        return x
    centred = graph.op("Sub", x, graph.constant(np.float64(field.mean)))
    return graph.op("Div", centred, graph.constant(np.float64(field.deviation or 1.0)))


def _share_of_rows(graph: RawGraph, knots: Sequence[float], x: Value) -> Value:
    """Linear between knots that lie at equal shares, 0 below the first and 1 above the last."""
    if len(knots) < 2:
        return graph.op("Mul", x, graph.constant(np.float64(0)))
    low, high = graph.constant(np.int64(0)), graph.constant(np.int64(len(knots) - 2))
    place = graph.op("Sub", _count_reached(graph, x, knots), graph.constant(np.int64(1)))
    place = graph.op("Max", graph.op("Min", place, high), low)
    left = graph.op("Gather", graph.constant(np.array(knots[:-1], np.float64)), place)
    gaps = graph.op("Gather", graph.constant(np.diff(np.array(knots, np.float64))), place)
    part = graph.op("Div", graph.op("Sub", x, left), gaps)
    ends = graph.constant(np.float64(0)), graph.constant(np.float64(1))
    part = graph.op("Max", graph.op("Min", part, ends[1]), ends[0])
    sum_ = graph.op("Add", graph.cast(place, np.float64), part)
    return graph.op("Div", sum_, graph.constant(np.float64(len(knots) - 1)))


def demand_names(inputs: Collection[str], outputs: Collection[str]) -> None:
    """Insist that no input is named as an output. Raises UsageError."""
    both = sorted(set(inputs) & set(outputs))
    if both:
        raise UsageError(f"the inputs {both} are named as outputs: they cannot be in one graph")
