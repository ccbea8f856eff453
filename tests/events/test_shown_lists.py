"""Rows that show many items, and columns that SQL makes of others: against plain Python."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from cleaned_rows import cleaned
from secateur.contracts.errors import ScenarioError

CLICKED = """
[label]
kind = "clicked_list"
column = "shown"
clicked = "chosen"
position = "place"
aligned = { price = "prices", stars = "ratings" }
"""
MARKED = """
[label]
kind = "marked_list"
column = "shown"
position = "place"
aligned = { price = "prices" }
"""


def test_each_item_gets_its_place_and_what_is_aligned_with_it(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [
        {"shown": "a|b||c", "chosen": "b", "prices": "1.50|2||3.0", "ratings": "x||y|z"},
        {"shown": "c|a", "chosen": None, "prices": None, "ratings": "5|"},
    ]
    found, counts = cleaned(tmp_path, rows, CLICKED)
    keys = ("item", "label", "place", "price", "stars")
    assert [tuple(row[key] for key in keys) for row in found] == [
        ("a", 0, "1", "1.50", "x"),
        ("b", 1, "2", "2", None),
        ("c", 0, "3", "3", "z"),
        ("a", 0, "2", None, None),
        ("c", 0, "1", None, "5"),
    ]
    assert counts.kept == 2


def test_a_row_whose_lists_differ_in_length_is_quarantined(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [
        {"shown": "a|b", "chosen": "b", "prices": "1", "ratings": "1|2"},
        {"shown": "a|b", "chosen": "b", "prices": "1|2", "ratings": "1|2"},
    ]
    found, counts = cleaned(tmp_path, rows, CLICKED)
    assert len(found) == 2
    assert counts.reasons == {"aligned_malformed": 1}


def test_an_item_shown_twice_is_one_event_at_its_first_place(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [
        {"shown": "5|7|5.0|9", "chosen": "5", "prices": "1|2|3|4", "ratings": "1|2|3|4"}
    ]
    found, _ = cleaned(tmp_path, rows, CLICKED)
    keys = ("item", "label", "place", "price")
    assert [tuple(row[key] for key in keys) for row in found] == [
        ("5", 1, "1", "1"),
        ("7", 0, "2", "2"),
        ("9", 0, "4", "4"),
    ]


def test_an_item_marked_twice_is_chosen_where_one_mark_says_so(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [{"shown": "n1-0 n2-0 n1-1", "prices": "1 2 3"}]
    found, _ = cleaned(tmp_path, rows, MARKED)
    keys = ("item", "label", "place", "price")
    assert [tuple(row[key] for key in keys) for row in found] == [
        ("n1", 1, "1", "1"),
        ("n2", 0, "2", "2"),
    ]


PLAIN = '[label]\ncolumn = "liked"\n'


def expressions(**made: str) -> str:
    keys = ", ".join(f'{name} = "{sql}"' for name, sql in made.items())
    return f"expressions = {{ {keys} }}\n{PLAIN}"


def test_expressions_are_columns_of_canonical_text(spark: SparkSession, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"liked": 1, "price": "3.50", "mean": 2, "tab": " a "},
        {"liked": 0, "price": "free", "mean": None, "tab": None},
    ]
    label = expressions(
        ratio="try_cast(price AS double) / try_cast(mean AS double)",
        dear="try_cast(price AS double) > 3",
        hour="hour(timestamp_millis(time_ms))",
        both="concat(tab, '-', item)",
        none="nullif(tab, 'a')",
    )
    found, _ = cleaned(tmp_path, rows, label)
    keys = ("ratio", "dear", "hour", "both", "none")
    assert [tuple(row[key] for key in keys) for row in found] == [
        ("1.75", "1", "0", "a-i0", None),
        (None, None, "0", None, None),
    ]


def test_an_expression_reads_the_shown_item_and_its_place(
    spark: SparkSession, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [
        {"shown": "a|b", "chosen": "b", "prices": "1|4", "ratings": "1|2", "seen": "b|a"}
    ]
    made = (
        "expressions = { again = \"array_position(split(seen, '[|]'), item)\", "
        'dear = "price - 1" }\n'
    )
    found, _ = cleaned(tmp_path, rows, made + CLICKED)
    keys = ("item", "again", "dear")
    assert [tuple(row[key] for key in keys) for row in found] == [("a", "2", "0"), ("b", "1", "3")]


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("no_such_column + 1", "no_such_column"),
        ("hour(", "syntax"),
        ("count(*)", "count"),
        ("lead(liked) OVER (ORDER BY at)", "window"),
        ("explode(split(tab, ' '))", "generator"),
        ("CAST(tab AS int)", "try_cast"),
    ],
)
def test_what_is_no_expression_of_a_row_is_refused(
    sql: str, why: str, spark: SparkSession, tmp_path: Path
) -> None:
    rows: list[dict[str, object]] = [{"liked": 1, "tab": "home"}]
    with pytest.raises(
        ScenarioError, match=rf"(?i)logs.expressions .*made.*{why}|window over rows"
    ):
        cleaned(tmp_path, rows, expressions(made=sql))


CONTEXT = CLICKED + """context = { where = "kind = 'touch'", item = "touched" }\n"""


def test_other_actions_are_events_without_a_label(spark: SparkSession, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [
        {"kind": "touch", "touched": "9.0", "shown": None, "chosen": "x"},
        {"kind": "show", "shown": "a|b", "chosen": "b", "prices": "1|2", "ratings": "1|2"},
        {"kind": "touch", "touched": None, "shown": "a"},
        {"kind": "show", "shown": None},
    ]
    made = "expressions = { touches = \"int(kind = 'touch')\" }\n"
    found, counts = cleaned(tmp_path, rows, made + CONTEXT)
    keys = ("item", "label", "place", "price", "touches")
    assert [tuple(row[key] for key in keys) for row in found] == [
        ("9", None, None, None, "1"),
        ("a", 0, "1", "1", "0"),
        ("b", 1, "2", "2", "0"),
    ]
    assert counts.reasons == {"candidates_missing": 1, "item_missing": 1}


def test_types_of_neither_kind_may_be_context(spark: SparkSession, tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"type": t} for t in ("buy", "view", "search", "refund")]
    label = (
        '[label]\nkind = "event_type"\ncolumn = "type"\npositive = ["buy"]\nnegative = ["view"]\n'
        "context = { where = \"type = 'search'\" }\n"
    )
    found, counts = cleaned(tmp_path, rows, label)
    assert [(row["item"], row["label"]) for row in found] == [("i0", 1), ("i1", 0), ("i2", None)]
    assert counts.reasons == {"event_type_other": 1}
