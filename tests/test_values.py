"""A value is spelled the same by Spark and by the client."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import functions as F  # noqa: N812

from secateur.events.raw_rows import canonical as spark_canonical
from secateur.values import canonical

SPELLED = {
    "1.0": "1",
    "-12.000": "-12",
    "1.50": "1.50",
    "1.0.0": "1.0.0",
    ".0": ".0",
    "0": "0",
    "-0.0": "-0",
    " home ": "home",
    "": None,
    "   ": None,
    "\t": "\t",
    "1.0\n": "1.0\n",
    "1.0\r": "1.0\r",
    "1.0\u2028": "1.0\u2028",
    "\u0661.0": "\u0661.0",
    "+1.0": "+1.0",
    "1e3": "1e3",
    "NaN": "NaN",
}


@pytest.mark.parametrize(("text", "spelled"), SPELLED.items(), ids=repr)
def test_texts_are_spelled(text: str, spelled: str | None) -> None:
    assert canonical(text) == spelled


def test_numbers_and_gaps_are_spelled_as_their_text() -> None:
    assert [canonical(v) for v in (3, 3.0, 2.5, True, False)] == ["3", "3", "2.5", "1", "0"]
    assert [canonical(v) for v in (None, float("nan"))] == [None, None]


@given(st.from_regex(r"\A\s?-?\d{0,3}\.?0{0,3}\s?\Z") | st.text())
def test_spelling_twice_changes_nothing(text: str) -> None:
    once = canonical(text)
    assert canonical(once) == once


def test_spark_spells_as_python_does(spark: SparkSession) -> None:
    signs = ["", "-", "+"]
    wholes = ["0", "12", "007", "", "x"]
    ends = ["", ".", ".0", ".00", ".50", ".0x", ".0\n", "\u2029"]
    blanks = ["", " ", "\t", "\u00a0"]
    texts = [b + s + w + e + b for b in blanks for s in signs for w in wholes for e in ends]
    texts += list(SPELLED)
    frame = spark.createDataFrame([(text,) for text in texts], "value string")
    rows = frame.select("value", spark_canonical(F.col("value")).alias("spelled")).collect()
    assert [row.spelled for row in rows] == [canonical(row.value) for row in rows]
    assert len(rows) == len(texts)
