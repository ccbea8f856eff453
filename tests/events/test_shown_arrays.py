"""An array of JSON or Parquet shows items as a text between separators does."""

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from secateur.events.labelling import LABEL, faults, label_events
from secateur.scenario import ClickedListLabel, MarkedListLabel

CLICKED = ClickedListLabel(kind="clicked_list", column="shown", clicked="chosen")
MARKED = MarkedListLabel(kind="marked_list", column="shown", separator="|")


@pytest.mark.parametrize(
    ("label", "shown", "items"),
    [
        (CLICKED, '["7","10000000","a|b"]', [("7", 0), ("10000000", 1), ("a|b", 0)]),
        (CLICKED, '[7.0,1.0E7,null,"x"]', [("7", 0), ("10000000", 1), ("x", 0)]),
        (CLICKED, "7.0|1.0E7", [("7", 0), ("10000000", 1)]),
        (CLICKED, "[7|10000000", [("[7", 0), ("10000000", 1)]),
        (MARKED, '["7-0","10000000-1"]', [("7", 0), ("10000000", 1)]),
    ],
    ids=str,
)
def test_an_array_shows_its_values(
    spark: SparkSession,
    label: ClickedListLabel | MarkedListLabel,
    shown: str,
    items: list[tuple[str, int]],
) -> None:
    rows = spark.createDataFrame(pa.table({"shown": [shown], "chosen": ["10000000"]}))
    bad = [rows.where(fault).count() for fault in faults(label).values()]
    assert bad == [0] * len(bad)
    found = label_events(rows, label, "item").select("item", LABEL)
    assert [tuple(row) for row in found.collect()] == items
