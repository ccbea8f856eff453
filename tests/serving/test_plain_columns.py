"""Whatever a caller holds its columns in, a row gets what its own values say."""

from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from all_kinds import KEY, SCHEMA, WORDS
from secateur.contracts.errors import UsageError
from secateur.serving.scorer import Scorer, load
from untrained_package import untrained_scorer

NAN = float("nan")
MISSING = [
    *(NAN, np.float32("nan"), np.float64("nan"), Decimal("NaN"), "", "  ", b"", np.ma.masked),
    *(pd.NA, pd.NaT, np.datetime64("NaT"), np.timedelta64("NaT"), pa.scalar(None, pa.string())),
]
ROWS: dict[str, list[Any]] = {
    "user_id": [3, "4", 3],
    "item": ["100", 101, "unseen"],
    "age": [17, "18", 41.5],
    "price": [1, 2.5, "-3"],
    "temperature": [20, 21, "22"],
    "rank": [0, 4.5, "7"],
    "tags": ["red|blue", "007", "é"],
    "seen": [["100", 101], ["102"], []],
    "seen_types": [["buy", "click"], ["buy"], []],
    "alike": ["100 101", "102", "103 104"],
    "title": ["1;2;3;4", [1, 2, 3, 4.5], "0;0;1;0"],
    "place": [[0.5, 0.25], "1,2", [0, 1]],
}


def objects(rows: list[Any]) -> np.ndarray[Any, Any]:
    """An array of the rows as they are, whatever they hold."""
    found = np.empty(len(rows), object)
    for i, row in enumerate(rows):
        found[i] = row
    return found


PACKINGS: Sequence[Callable[[list[Any]], Any]] = [
    list,
    tuple,
    iter,
    lambda rows: (row for row in rows),
    objects,
    lambda rows: pd.Series(objects(rows), dtype=object),
    lambda rows: dict(enumerate(rows)).values(),
]


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    folder = tmp_path_factory.mktemp("all_kinds") / "package"
    facts = {"days": {"train": ["2024-01-01"]}, "rows": {"train": 1}}
    return untrained_scorer(SCHEMA, WORDS, folder, facts, id_key=KEY)


def inputs(scorer: Scorer, columns: Any, rows: int = 3) -> dict[str, list[list[float]]]:
    """The model's inputs with a row a candidate, lists without their padding."""
    encoded = scorer.repeat_request(scorer.encode(columns))
    return {
        name: [
            [v for v in row if not (name.startswith("list") and v < 0)]
            for row in np.broadcast_to(array, (rows, array.shape[1])).tolist()
        ]
        for name, array in encoded.items()
    }


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(sorted(ROWS)),
    st.lists(st.sampled_from(MISSING), min_size=3, max_size=3),
    st.sets(st.integers(0, 2), min_size=1),
    st.sampled_from(PACKINGS),
)
def test_a_missing_value_is_none_however_it_is_spelled_and_packed(
    scorer: Scorer, name: str, missing: list[Any], gaps: set[int], pack: Callable[[Any], Any]
) -> None:
    as_none = [None if i in gaps else row for i, row in enumerate(ROWS[name])]
    as_given = [missing[i] if i in gaps else row for i, row in enumerate(ROWS[name])]
    expected = inputs(scorer, ROWS | {name: as_none})
    assert inputs(scorer, ROWS | {name: pack(as_given)}) == expected
    if gaps != {0, 1, 2}:
        for i in set(range(3)) - gaps:  # the others do not notice
            alone = inputs(scorer, {n: rows[i : i + 1] for n, rows in ROWS.items()}, 1)
            assert {n: [rows[i]] for n, rows in expected.items()} == alone


@pytest.mark.parametrize("missing", MISSING, ids=repr)
@pytest.mark.parametrize("name", [name for name in ROWS if name not in ("item", "rank")])
def test_a_missing_value_stands_for_all_as_none_does(
    scorer: Scorer, name: str, missing: object
) -> None:
    expected = inputs(scorer, ROWS | {name: None})
    assert inputs(scorer, ROWS | {name: missing}) == expected


@pytest.mark.parametrize("missing", MISSING, ids=repr)
def test_a_missing_value_within_a_row_is_none(scorer: Scorer, missing: object) -> None:
    for name, row in {"seen": ["100", "101"], "tags": ["red", "007"], "title": [1, 2, 3]}.items():
        expected = inputs(scorer, ROWS | {name: [[*row, None]] * 3})
        assert inputs(scorer, ROWS | {name: [[*row, missing]] * 3}) == expected


weird = st.one_of(
    *(st.none(), st.booleans(), st.floats(width=32), st.integers(95, 125), st.just(10**400)),
    st.sampled_from([b"7", b"100", np.float32(0.1), np.int8(7), Decimal("1.5"), Fraction(1, 2)]),
    st.sampled_from(
        ["100", "100.0", " 101 ", "red", "1_0", "nan", "inf", "-3", "\u0667", *MISSING]
    ),
)


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(["item", "age", "price", "temperature", "rank", "user_id"]),
    st.lists(weird, min_size=3, max_size=3),
)
def test_a_row_does_not_depend_on_its_neighbours(
    scorer: Scorer, name: str, values: list[Any]
) -> None:
    together = inputs(scorer, ROWS | {name: values})
    for i, value in enumerate(values):
        one = {n: rows[i : i + 1] for n, rows in ROWS.items()} | {name: [value]}
        assert {n: [rows[i]] for n, rows in together.items()} == inputs(scorer, one, 1)


FLOATS = [1.5, None, 0.1]
CASES = {
    "masked": ("price", np.ma.MaskedArray([1.5, 777, 0.1], [0, 1, 0]), FLOATS),
    "masked narrow": ("price", np.ma.MaskedArray([1.5, 7, 0.1], [0, 1, 0], np.float32), FLOATS),
    "masked ids": ("item", np.ma.MaskedArray([100, 101, 102], [1, 0, 0]), [None, 101, 102]),
    "masked vectors": (
        "place",
        np.ma.MaskedArray([[1, 2], [3, 4], [5, 6]], [[0, 0], [0, 1], [0, 0]]),
        [[1, 2], None, [5, 6]],
    ),
    "nullable whole": ("rank", pd.Series([None, 2, 4], dtype="Int64"), [None, 2, 4]),
    "nullable float": ("price", pd.Series([1.5, None, 0.1], dtype="Float64"), FLOATS),
    "nullable narrow": ("price", pd.Series([1.5, None, 0.1], dtype="Float32"), FLOATS),
    "Arrow's in pandas": ("price", pd.Series([1.5, None, 0.1], dtype="float[pyarrow]"), FLOATS),
    "nullable boolean": ("rank", pd.Series([None, True, False], dtype="boolean"), [None, 1, 0]),
    "nullable text": ("tags", pd.Series(["red|blue", None, "007"], dtype="string"), None),
    "text with a gap": ("tags", pd.Series(["red|blue", NAN, "007"]), ["red|blue", None, "007"]),
    "tags that look like numbers": ("tags", pd.Series([7.0, NAN, 3.0]), [["7"], None, ["3"]]),
    "mixed texts and numbers": ("tags", ["red|blue", 7, NAN], ["red|blue", "7", None]),
    "polars": ("price", pl.Series([1.5, None, 0.1], dtype=pl.Float32), FLOATS),
    "polars' lists": ("seen", pl.Series([["100"], None, ["101"]]), [["100"], None, ["101"]]),
    "Arrow": ("price", pa.array([1.5, None, 0.1], pa.float32()), FLOATS),
    "Arrow's lists": ("seen", pa.array([["100"], None, ["101"]]), [["100"], None, ["101"]]),
    "bytes": ("item", np.array([b"100", b"101", b"x"]), ["100", "101", "x"]),
    "bytes of numbers": ("price", [b"1.5", None, b"0.1"], FLOATS),
    "map": ("item", map(str, (100, 101, 102)), [100, 101, 102]),
}


@pytest.mark.parametrize("case", CASES)
def test_a_container_has_the_values_that_it_shows(scorer: Scorer, case: str) -> None:
    name, column, values = CASES[case]
    expected = ["red|blue", None, "007"] if values is None else values
    assert inputs(scorer, ROWS | {name: column}) == inputs(scorer, ROWS | {name: expected})


TABLE = ROWS | {
    "user_id": [3, 4, 3],
    "age": [17.0, NAN, 41.5],
    "item": ["100", None, "unseen"],
    "price": [1.0, 2.5, NAN],
    "temperature": [20.0, 21.0, 22.0],
    "rank": [0.0, 4.5, 7.0],
    "tags": ["red|blue", None, "007"],
    "seen": ["100 101", "102", None],
    "seen_types": ["buy click", "buy", ""],
    "title": ["1;2;3;4", None, "0;0;1;0"],
    "place": ["0.5,0.25", "1,2", ""],
}
CUT = {"seen": [["100", "101"], ["102"], []], "seen_types": [["buy", "click"], ["buy"], []]}


@pytest.mark.parametrize("make", [pd.DataFrame, pl.DataFrame, pa.table, pa.RecordBatch.from_pydict])
def test_a_row_of_a_table_is_a_candidate(scorer: Scorer, make: Callable[[Any], Any]) -> None:
    assert inputs(scorer, make(TABLE)) == inputs(scorer, TABLE | CUT)
    one = {name: rows[:1] for name, rows in TABLE.items()}
    assert inputs(scorer, make(one), 1) == inputs(
        scorer, one | {name: rows[:1] for name, rows in CUT.items()}, 1
    )


def test_histories_as_texts_are_not_taken_for_one_history(scorer: Scorer) -> None:
    with pytest.raises(UsageError, match="column seen: '100 101' is a whole history"):
        scorer.score(ROWS | {"seen": ["100 101", "102", ""]})
    # A value that was never seen may hold blanks.
    scorer.score(ROWS | {"seen": ["white heart", "102", ""]})


@pytest.mark.parametrize("column", [{"100", "101", "102"}, {"100": 1}, object(), len, int])
def test_what_is_no_column_is_refused_by_name(scorer: Scorer, column: object) -> None:
    with pytest.raises(UsageError, match="column item is a"):
        scorer.score(ROWS | {"item": column})


@pytest.mark.parametrize("columns", [None, [1, 2], "abc", pl.DataFrame(TABLE).lazy()])
def test_what_is_no_table_is_refused(scorer: Scorer, columns: Any) -> None:
    with pytest.raises(UsageError, match="columns are a mapping"):
        scorer.score(columns)


def test_a_table_that_has_a_column_twice_is_refused(scorer: Scorer) -> None:
    twice = pd.DataFrame(TABLE)
    twice.columns = ["item" if name == "rank" else name for name in twice.columns]
    with pytest.raises(UsageError, match=r"columns \['item'\] more than once"):
        scorer.score(twice)


def test_the_nearest_right_name_is_told(scorer: Scorer) -> None:
    given = {"Temprature" if name == "temperature" else name: rows for name, rows in ROWS.items()}
    with pytest.raises(UsageError, match="'Temprature' may be 'temperature'"):
        scorer.score(given)


def test_a_folder_may_be_text_and_so_may_the_key(tmp_path: Path) -> None:
    facts = {"days": {"train": ["2024-01-01"]}, "rows": {"train": 1}}
    made = untrained_scorer(SCHEMA, WORDS, tmp_path / "package", facts, id_key=KEY)
    loaded = load(str(tmp_path / "package"), id_key=KEY.decode())
    assert np.array_equal(loaded.score(ROWS), made.score(ROWS))
    for wrong in (3, "s3://models/x", str(tmp_path / "nothing"), None):
        with pytest.raises(UsageError):
            load(wrong)  # type: ignore[arg-type]
