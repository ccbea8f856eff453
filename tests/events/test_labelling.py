"""Every kind of label, against plain Python."""

from pathlib import Path

from pyspark.sql import SparkSession

from cleaned_rows import Row, cleaned


def labels(found: list[Row]) -> list[tuple[object, object]]:
    return [(row["item"], row["label"]) for row in found]


def test_an_event_type(spark: SparkSession, tmp_path: Path) -> None:
    rows: list[Row] = [{"type": t} for t in ("buy", "view", "", "refund", "buy")]
    label = (
        '[label]\nkind = "event_type"\ncolumn = "type"\npositive = ["buy"]\nnegative = ["view"]\n'
    )
    found, counts = cleaned(tmp_path, rows, label)
    assert labels(found) == [("i0", 1), ("i1", 0), ("i4", 1)]
    assert counts.reasons == {"event_type_missing": 1, "event_type_other": 1}


def test_a_threshold(spark: SparkSession, tmp_path: Path) -> None:
    rows: list[Row] = [{"stars": s} for s in ("4", 3.5, "NaN", "Infinity", None, "five", 5)]
    label = '[label]\nkind = "threshold"\ncolumn = "stars"\nat_least = 4\n'
    found, counts = cleaned(tmp_path, rows, label)
    assert labels(found) == [("i0", 1), ("i1", 0), ("i6", 1)]
    assert counts.reasons == {"label_unparsable": 4}


def test_tasks_are_masked_where_missing_and_quarantined_where_nonsense(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows: list[Row] = [
        {"liked": 1, "saved": "0", "seconds": 3, "act": "buy"},
        {"liked": 0, "saved": "1.0", "seconds": "12.5", "act": "look"},
        {"liked": 1, "saved": None, "seconds": "", "act": "wait"},
        {"liked": 1, "saved": 2, "seconds": 3, "act": None},
        {"liked": 1, "saved": 1, "seconds": "long", "act": "buy"},
        {"liked": None, "saved": 1, "seconds": 3, "act": "buy"},
        {"liked": 0, "saved": 1, "seconds": "nan", "act": None},
    ]
    label = """[label]
column = "liked"
[label.tasks]
long = { kind = "threshold", column = "seconds", at_least = 10 }
bought = { kind = "event_type", column = "act", positive = ["buy"], negative = ["look"] }
saved = { column = "saved" }
"""
    found, counts = cleaned(tmp_path, rows, label)
    told = [tuple(row[f"label_{n}"] for n in ("long", "bought", "saved")) for row in found]
    assert labels(found) == [("i0", 1), ("i1", 0), ("i2", 1)]
    assert told == [(0, 1, 0), (1, 0, 1), (None, None, None)]
    assert counts.reasons == {
        "label_not_binary": 1,
        "task_long_malformed": 2,
        "task_saved_malformed": 1,
    }


def test_a_marked_list_becomes_an_event_an_item(spark: SparkSession, tmp_path: Path) -> None:
    shown = ("a-1 b-0  c-d-0", "e-1", "", "f-2", "g", "h-0")
    rows: list[Row] = [{"shown": s} for s in shown]
    label = '[label]\nkind = "marked_list"\ncolumn = "shown"\n'
    found, counts = cleaned(tmp_path, rows, label)
    expected = [("a", 1), ("b", 0), ("c-d", 0), ("e", 1), ("h", 0)]
    assert sorted(labels(found)) == sorted(expected)
    assert counts.reasons == {"candidates_malformed": 2, "candidates_missing": 1}
    assert (counts.rows_in, counts.kept, counts.events) == (6, 3, 5)
    assert "shown" not in found[0]


def test_a_clicked_list(spark: SparkSession, tmp_path: Path) -> None:
    rows: list[Row] = [
        {"shown": "a|b|c", "clicked": "b"},
        {"shown": "d|e", "clicked": None},
        {"shown": "f", "clicked": "z"},
    ]
    label = '[label]\nkind = "clicked_list"\ncolumn = "shown"\nclicked = "clicked"\n'
    found, counts = cleaned(tmp_path, rows, label)
    expected = [("a", 0), ("b", 1), ("c", 0), ("d", 0), ("e", 0)]
    assert sorted(labels(found)) == expected
    assert counts.reasons == {"clicked_not_shown": 1}
    assert not {"shown", "clicked"} & set(found[0])
