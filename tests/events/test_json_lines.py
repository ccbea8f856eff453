"""A line of JSON is one object and nothing else: what stands behind it is never lost unseen."""

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from bad_input_page import told_cases
from secateur.contracts.errors import Refused
from secateur.events.raw_files import RawLog, open_log
from secateur.events.raw_rows import FAULT, MALFORMED, UNDECODABLE, raw_rows
from secateur.events.reading.raw_file import RawFile
from secateur.events.reading.whole_files import UnreadFile, examine_files
from secateur.scenario import Logs, TableFormat
from secateur.scenario.raw_log.column_names import NamingRules
from small_log import DAYS

Row = dict[str, object]
JSON = TableFormat(format="json_lines")
ONE, OTHER = b'{"id": "one", "v": 1}', b'{"id": "other", "v": 2}'

QUARANTINED: dict[str, bytes] = {
    "two_objects_on_a_line": ONE + OTHER,
    "objects_between_commas": ONE + b"," + OTHER,
    "array_on_a_line": b"[" + ONE + b", " + OTHER + b"]",
    "comma_behind_an_object": ONE + b",",
    "words_behind_an_object": ONE + b" and more",
    "comment_behind_an_object": ONE + b" // seen twice",
    "object_in_text": b'"{}"',
    "single_quotes": b"{'id': 'one', 'v': 1}",
    "comma_before_the_end": b'{"id": "one", "v": 1,}',
    "number_as_a_line": b"5",
    "null_as_a_line": b"null",
    "zeros_before_a_number": b'{"id": "one", "v": 01}',
    "array_closed_before_a_key": ONE + b'],"x":[' + OTHER,
    "array_closed_before_an_object": ONE + b"]} " + OTHER,
    "array_closed": ONE + b"]}",
    "array_opened_again": ONE + b'],"_secateur_objects":[' + OTHER,
    "object_cut": ONE[:-3],
    "other_bytes_in_a_key": b'{"id": "one", "gr\xf6\xdfe": 1}',
}
# What is read of the column `v`.
READ: dict[str, tuple[bytes, str | None]] = {
    "key_twice": (b'{"id": "1", "v": "first", "v": "last"}', "last"),
    "key_in_escapes": (b'{"id": "2", "\\u0076": "x"}', "x"),
    "pair_of_escapes": (b'{"id": "3", "v": "\\ud83d\\ude00"}', "\U0001f600"),
    "exponent_of_json": (b'{"id": "4", "v": 12e4}', "120000"),
    "zeros_behind_a_number": (b'{"id": "5", "v": 1.50}', "1.5"),
    "many_digits": (b'{"id": "6", "v": 9007199254740993}', "9007199254740993"),
    "blanks_around_an_object": (b' \t{"id": "7", "v": "x"} \t', "x"),
}


def examined(folder: Path, *lines: bytes) -> RawFile:
    """A file of these lines. Raises Refused."""
    (folder / "log.json").write_bytes(b"\n".join(lines) + b"\n")
    unread = UnreadFile(folder.as_uri(), "log.json", 1, None, folder / "staged" / "0")
    (found,) = examine_files([unread], JSON, NamingRules())
    return found


@pytest.fixture(scope="module")
def found(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> list[tuple[str | None, str | None]]:
    """The fault and the value of every line, in their order."""
    lines = [*QUARANTINED.values(), *(line for line, _ in READ.values())]
    file = examined(tmp_path_factory.mktemp("lines"), *lines)
    assert set(file.columns) == {"id", "v"}
    rows = raw_rows(spark, [file], JSON).select(FAULT, "v").collect()
    return [(fault, value) for fault, value in rows]


def test_what_is_not_one_object_is_quarantined(found: list[tuple[str | None, str | None]]) -> None:
    faults = dict(zip(QUARANTINED, (fault for fault, _ in found), strict=False))
    expected = dict.fromkeys(QUARANTINED, MALFORMED) | {"other_bytes_in_a_key": UNDECODABLE}
    assert faults == expected


def test_one_object_is_read_as_what_it_is(found: list[tuple[str | None, str | None]]) -> None:
    read = dict(zip(READ, found[len(QUARANTINED) :], strict=True))
    assert {name: fault for name, (fault, _) in read.items()} == dict.fromkeys(READ)
    spelled = {name: value for name, (_, value) in read.items()}
    printed = {"exponent_of_json": "120000.0"}  # spelled canonically later
    assert spelled == {name: value for name, (_, value) in READ.items()} | printed


def test_a_key_that_is_no_text_is_refused(tmp_path: Path) -> None:
    told = told_cases("Lines of JSON")["key_of_half_a_pair"]
    with pytest.raises(Refused) as error:
        examined(tmp_path, b'{"id": "one", "\\ud83d": 1}')
    assert told == f"refused: `{str(error.value).partition(' has ')[2]}`"


PAGED: Row = {"ctx": {"page": "p", "seen": [{"id": 1}]}}
# What another day holds there, and what is read of `ctx.page` and `ctx.seen.id` then.
ANOTHER_DAY: dict[str, Row] = {
    "member_null_all_day": {"ctx": None},
    "member_empty_all_day": {"ctx": {}},
    "member_absent_all_day": {},
    "array_empty_all_day": {"ctx": {"page": None, "seen": []}},
}
NO_COMMON_TYPE: dict[str, Row] = {
    "object_one_day_text_another": {"ctx": "p"},
    "object_without_a_value_text_another": {"ctx": "p"},
    "array_of_objects_another_day": {"ctx": [{"page": "p"}]},
}
NAMED_TWICE: Row = {"ctx.page": "p"}


def open_days(folder: Path, last: Row, rows: int = 1, first: Row = PAGED, *sought: str) -> RawLog:
    """A log of two days: of the first row, and of so many rows without it before the last one."""
    by_day: dict[str, list[Row]] = {DAYS[0]: [first], DAYS[1]: [{}] * (rows - 1) + [last]}
    for day, of_day in by_day.items():
        target = folder / "events" / f"date={day}" / "log.json"
        target.parent.mkdir(parents=True)
        lines = (json.dumps({"uid": f"u{n}", "at": n} | row) for n, row in enumerate(of_day))
        target.write_text("".join(f"{line}\n" for line in lines))
    logs = Logs(uri="x", user="uid", item="i", time="at", format="json_lines", window_days=2)
    rules = NamingRules(sought=frozenset(sought))
    return open_log(logs, str(folder), folder / "scratch", rules=rules)


@pytest.mark.parametrize("case", ANOTHER_DAY)
def test_a_day_has_the_columns_of_all(case: str, tmp_path: Path) -> None:
    log = open_days(tmp_path, ANOTHER_DAY[case])
    assert {file.columns for file in log.events} == {("at", "ctx.page", "ctx.seen.id", "uid")}


def test_a_member_is_read_that_the_first_rows_of_its_day_lack(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Whether its day is read alone, as by a night that has the others, or with them."""
    log = open_days(tmp_path, {"ctx": {"page": "late"}}, rows=1200)
    _, late = log.events
    rows = raw_rows(spark, [late], JSON).where("`ctx.page` IS NOT NULL")
    assert [row["ctx.page"] for row in rows.collect()] == ["late"]


@pytest.mark.parametrize("case", NO_COMMON_TYPE)
def test_what_has_no_common_type_is_refused(case: str, tmp_path: Path) -> None:
    hollow: Row = {"ctx": {"page": None}}
    first = hollow if case == "object_without_a_value_text_another" else PAGED
    with pytest.raises(Refused) as error:
        open_days(tmp_path / "sought", NO_COMMON_TYPE[case], 1, first, "ctx.page")
    assert f"refused: `{error.value}`" == told_cases("Lines of JSON")[case]
    unsought = open_days(tmp_path / "unsought", NO_COMMON_TYPE[case], 1, first, "ctx_of_another")
    assert unsought.columns == ("at", "ctx", "uid")


def test_a_key_and_a_member_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused) as error:
        open_days(tmp_path, NAMED_TWICE)
    assert f"refused: `{error.value}`" == told_cases("Lines of JSON")["key_and_member_another_day"]


def test_a_map_of_very_many_keys_one_day_is_one_value_on_all(
    spark: SparkSession, tmp_path: Path
) -> None:
    few: Row = {"attrs": {f"k{n}": n for n in range(90)}}
    many: Row = {"attrs": {f"k{n}": n for n in range(130)}}
    log = open_days(tmp_path, many, 1, few, "item")
    assert log.columns == ("at", "attrs", "uid")
    rows = raw_rows(spark, log.events, JSON).select(FAULT, "attrs").collect()
    read = [json.loads(row["attrs"]) for row in rows if row[FAULT] is None]
    assert sorted(read, key=len) == [few["attrs"], many["attrs"]]


def test_columns_are_the_same_whichever_order_a_day_has(tmp_path: Path) -> None:
    """So what was cleaned of a day is kept when one with another order leaves the window."""
    turned: Row = {"ctx": {"seen": [{"id": 1}], "page": "p"}}
    both = open_days(tmp_path / "both", PAGED, 2, turned)
    later = open_days(tmp_path / "later", PAGED, 2)
    assert both.columns == later.columns


def test_the_page_tells_of_every_line() -> None:
    told = told_cases("Lines of JSON")
    assert told.keys() == {
        *(*QUARANTINED, *READ, *ANOTHER_DAY, *NO_COMMON_TYPE, "key_of_half_a_pair"),
        *("member_after_the_first_rows", "key_and_member_another_day", "map_of_many_keys_one_day"),
    }
    for name in QUARANTINED:
        code = UNDECODABLE if name == "other_bytes_in_a_key" else MALFORMED
        assert told[name] == f"quarantined: `{code}`"
    for name, (_, value) in READ.items():
        assert told[name].endswith(f"`{value}`")
