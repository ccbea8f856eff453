"""Texts that hold a vector, such as an item's embedding."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F  # noqa: N812

from secateur.contracts.features import VectorField
from secateur.features.joining import named
from secateur.features.numbers import parsed

Floats = NDArray[np.float32]
_FAULTS = "field string, missing bigint, malformed bigint"


def vectors_in(texts: pa.Array, field: VectorField) -> tuple[Floats, NDArray[np.bool_]]:
    """Float32 [n, length] of texts [n], and which of them are vectors: the others are zeros.

    Malformed are those with another number of parts, and those with a part that is no finite
    float32. Each distinct text is parsed once.
    """
    spelled = texts.dictionary_encode()
    table = np.zeros((len(spelled.dictionary) + 1, field.length), np.float32)
    whole = np.zeros(len(table), bool)
    for place, text in enumerate(spelled.dictionary.to_pylist()):
        vector = _vector(text, field)
        whole[place] = vector is not None
        table[place] = 0 if vector is None else vector
    rows = spelled.indices.fill_null(len(table) - 1).to_numpy()
    return table[rows], whole[rows]


def _vector(text: str, field: VectorField) -> Floats | None:
    parts = text.split(field.separator)
    if len(parts) != field.length:
        return None
    with np.errstate(over="ignore"):
        numbers = parsed(parts).astype(np.float32)
    return numbers if np.isfinite(numbers).all() else None


def count_faults(events: DataFrame, fields: Sequence[VectorField]) -> dict[str, dict[str, int]]:
    """By field, how many events lack their vector, and how many hold a malformed one."""
    texts = events.select(
        *(named(f.name).cast("string").alias(f"text_{place}") for place, f in enumerate(fields))
    )
    parts = texts.mapInArrow(partial(_fault_batches, tuple(fields)), _FAULTS)
    sums = parts.groupBy("field").agg(*(F.sum(n).alias(n) for n in ("missing", "malformed")))
    found = {row["field"]: row for row in sums.collect()}
    return {f.name: {n: int(found[f.name][n]) for n in ("missing", "malformed")} for f in fields}


def _fault_batches(
    fields: tuple[VectorField, ...], batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        missing = [column.null_count for column in batch.columns]
        found = zip(batch.columns, fields, strict=True)
        whole = [int(vectors_in(column, field)[1].sum()) for column, field in found]
        yield pa.RecordBatch.from_pydict(
            {
                "field": [field.name for field in fields],
                "missing": missing,
                "malformed": [len(batch) - m - w for m, w in zip(missing, whole, strict=True)],
            }
        )
