"""Spark spells a value as `secateur.encoding` does, from text and from every type of a column."""

import random
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from secateur.encoding.spelling import canonical
from secateur.events.spark_spelling import as_text
from secateur.events.spark_spelling import canonical_spelling as spark_canonical

DICE = random.Random(7)
N = 2000


def spelled(spark: SparkSession, column: pa.Array, folder: Path) -> list[str | None]:
    pq.write_table(pa.table({"value": column}), folder / "log.parquet")
    frame = spark.read.parquet(str(folder / "log.parquet"))
    text = as_text(F.col("value"), frame.schema["value"].dataType)
    found: list[str | None] = frame.select(spark_canonical(text)).toArrow()[0].to_pylist()
    return found


def texts() -> list[str]:
    signs, blanks = ["", "-", "+"], ["", " ", "\t", "\u00a0"]
    wholes = ["0", "12", "007", "", "x", "1.5", "true", "False", "TRUE", "tRUE", "7E", "1e"]
    ends = ["", ".", ".0", ".00", ".50", ".0x", ".0\n", "\u2029", "E7", "e-05", "e+16", "e16", "\n"]
    made = [b + s + w + e + b for b in blanks for s in signs for w in wholes for e in ends]
    exponents = ["E7", "E+7", "e+07", "E-4", "E-3", "E6", "e-10", "E300", "E-300", "e+999", "E07"]
    digits = ["1", "1.0", "1.25", "9.87654321", "0.5", "10.5", "1.2.3", "1.", ".5"]
    made += [sign + d + e for sign in signs for d in digits for e in exponents]
    made += [f"{DICE.getrandbits(32):08x}" for _ in range(N)]
    return made + [repr(DICE.uniform(-1, 1) * 10 ** DICE.randrange(-20, 19)) for _ in range(N)]


def test_text_is_spelled_alike(spark: SparkSession, tmp_path: Path) -> None:
    values = texts()
    assert spelled(spark, pa.array(values), tmp_path) == [canonical(value) for value in values]
    assert len(values) > 5000


def doubles() -> list[float]:
    edges = [0.0, -0.0, 1e-4, 9.99e-4, 1e-3, 1e7, 12345678.5, 2.0**53, 2.0**63, -(2.0**63), 1e19]
    edges += [1.7976931348623157e308, 5e-324, 2.2250738585072014e-308, float("inf"), 1e23, 8.41e21]
    powers = [2.0**n for n in range(-60, 64)]  # which Java before 19 prints with a digit too many
    some = [DICE.uniform(-1, 1) * 10.0 ** DICE.randrange(-25, 19) for _ in range(N)]
    short = [DICE.randrange(10**6) / 10 ** DICE.randrange(9) for _ in range(N)]
    return [*edges, *powers, *some, *short, float("nan")]


def decimals() -> list[Decimal]:
    return [Decimal(DICE.randrange(-(10**9), 10**9)).scaleb(-4) for _ in range(N)]


def binaries() -> list[bytes]:
    odd = [b"7.0", b"\xff", b"a\xc3", b"\xe2\x82", b"\xf0\x9f\x92 x", b"\xed\xa0\x80", b"\xc0\xaf"]
    return odd + [bytes(DICE.choices(range(256), k=4)) for _ in range(N)]


COLUMNS: dict[str, tuple[Callable[[], Sequence[object]], pa.DataType]] = {
    "double": (doubles, pa.float64()),
    "float": (lambda: np.array(doubles()).astype(np.float32).tolist(), pa.float32()),
    "whole": (lambda: [DICE.randrange(-(2**63), 2**63) for _ in range(N)], pa.int64()),
    "unsigned": (lambda: [2**64 - 1, 7], pa.uint64()),
    "decimal": (decimals, pa.decimal128(14, 4)),
    "deep decimal": (lambda: [Decimal("1E-18"), Decimal("-2.5")], pa.decimal128(38, 18)),
    "deepest decimal": (
        lambda: [Decimal("1E-38"), Decimal("0.1"), Decimal(0)],
        pa.decimal128(38, 38),
    ),
    "wide decimal": (lambda: [Decimal(10) ** 37, Decimal(-5)], pa.decimal128(38, 0)),
    "boolean": (lambda: [True, False], pa.bool_()),
    "binary": (binaries, pa.binary()),
}


@pytest.mark.filterwarnings("ignore:overflow encountered")
@pytest.mark.parametrize("name", COLUMNS)
def test_a_typed_column_is_spelled_by_its_values(
    spark: SparkSession, tmp_path: Path, name: str
) -> None:
    make, kind = COLUMNS[name]
    values = pa.array([*make(), None], kind)
    expected = [canonical(value) for value in values]  # Arrow's scalars know their type
    assert spelled(spark, values, tmp_path) == expected
