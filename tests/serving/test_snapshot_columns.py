"""A request says ids and what happens now; what else the model reads is found in a snapshot."""

import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from secateur.contracts import record
from secateur.contracts.errors import ReleaseError, UsageError
from secateur.contracts.features import (
    BucketField,
    CategoryField,
    CounterMeaning,
    FeatureSchema,
    ListField,
)
from secateur.contracts.releases import FeatureSnapshot, SnapshotColumn, SnapshotTable
from secateur.identity import fingerprint, hash_id
from secateur.serving.scorer import Scorer
from secateur.serving.snapshot_columns import SnapshotColumns
from secateur.snapshot.key_index import joined_key
from secateur.snapshot.keyed_tables import SNAPSHOT, StoredSnapshot, write_table
from untrained_package import untrained_scorer

KEY = b"a key of thirty-two bytes or so."
AS_OF_MS = 1_700_000_000_000
COUNTED = {"freshness": "day", "prior_events": 10, "prior_rate": 0.3, "window_days": 7}
COUNTERS = (
    CounterMeaning(("uid",), {"events": "uid_events", "gap": "uid_gap"}, **COUNTED),
    CounterMeaning(("author",), {"events": "author_events", "rate": "author_rate"}, **COUNTED),
    CounterMeaning(("uid", "author"), {"events": "both_events"}, **COUNTED),
)
NUMBERS = ("uid_events", "uid_gap", "author_events", "author_rate", "both_events")
FACTS = {"days": {"train": ["2023-11-14"]}, "rows": {"train": 1}}
WORDS = {"item": ["7", "8", "9"], "author": ["ann", "bob"], "tab": ["1", "2"]}
SCHEMA = FeatureSchema(
    scenario="small",
    label="liked",
    categories=(
        CategoryField("item", "item", 4, 1),
        CategoryField("author", "item", 3, 1),
        CategoryField("tab", "context", 3, 1),
    ),
    buckets=tuple(
        BucketField(name, "user" if name.startswith("uid") else "item", (1.0, 5.0, 100.0, 1e4))
        for name in NUMBERS
    ),
    id_key=fingerprint(KEY),
    lists=(ListField("seen", "user", 4, 3, None, shares="item", history=True),),
    counters=COUNTERS,
)
USER = {name: hash_id(KEY, name) for name in ("17", "18")}


def number(name: str, **settings: Any) -> SnapshotColumn:
    return SnapshotColumn(name, "number", **settings)


TABLES: tuple[tuple[tuple[str, ...], list[str], list[tuple[SnapshotColumn, Any]]], ...] = (
    (
        ("uid",),
        [*USER.values()],
        [
            (number("uid_events", unseen=0.0), np.array([3.0, 200.0])),
            (number("uid_gap", ages=True), np.array([60.0, 7.0])),
            (SnapshotColumn("seen", "list"), [["7", "9"], ["8"]]),
        ],
    ),
    (
        ("item",),
        ["7", "8", "9"],
        [
            (SnapshotColumn("item", "text"), ["7", "8", "9"]),
            (SnapshotColumn("author", "text"), ["ann", "bob", None]),
        ],
    ),
    (
        ("author",),
        ["ann", "bob"],
        [
            (number("author_events", unseen=0.0), np.array([6.0, 2.0])),
            (number("author_rate", unit=10_000.0, unseen=0.3), np.array([0.25, 0.5])),
        ],
    ),
    (
        ("uid", "author"),
        [joined_key([USER["17"], "ann"])],
        [(number("both_events", unseen=0.0), np.array([2.0]))],
    ),
)


def write_snapshot(folder: Path, **changes: object) -> Path:
    """A snapshot of two users and three items."""
    nouns = []
    for place, (keys, rows, columns) in enumerate(TABLES):
        write_table(folder / f"table-{place}", rows, columns)
        nouns.append(SnapshotTable(keys, len(rows), tuple(column for column, _ in columns)))
    meaning = {
        "scenario": "small",
        "last_day": "2023-11-14",
        "as_of_ms": AS_OF_MS,
        "id_key": fingerprint(KEY),
        "user": "uid",
        "item": "item",
        "counters": COUNTERS,
        "tables": tuple(nouns),
    }
    noun = FeatureSnapshot(**(meaning | changes))  # type: ignore[arg-type]
    (folder / SNAPSHOT).write_bytes(record.dump(noun))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_snapshot(tmp_path_factory.mktemp("snapshot"))


@pytest.fixture(scope="module")
def known(folder: Path) -> SnapshotColumns:
    return SnapshotColumns(StoredSnapshot(folder), SCHEMA)


@pytest.fixture(scope="module")
def scorer(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    package = tmp_path_factory.mktemp("package")
    found = untrained_scorer(SCHEMA, WORDS, package, FACTS, id_key=KEY)
    found.use_snapshot(StoredSnapshot(folder))
    return found


WANTED = {field.name for field in SCHEMA.inputs}
IDS = {"uid": "17", "item": ["7", "8", "9", "10"], "tab": 1}
WHOLE = {
    "tab": 1,
    "item": ["7", "8", "9", "10"],
    "author": ["ann", "bob", None, None],
    "uid_events": 3.0,
    "uid_gap": 60.0,
    "seen": ["7", "9"],
    "author_events": [6.0, 2.0, None, None],
    "author_rate": [0.25, 0.5, None, None],
    "both_events": [2.0, 0.0, None, None],
}


def plain(columns: dict[str, object]) -> dict[str, object]:
    """Columns with None for NaN, without numpy."""

    def one(value: object) -> object:
        return None if isinstance(value, float) and np.isnan(value) else value

    listed = {k: v.tolist() if isinstance(v, np.ndarray) else v for k, v in columns.items()}
    return {k: [one(x) for x in v] if isinstance(v, list) else one(v) for k, v in listed.items()}


def test_ids_and_context_find_all_that_the_model_reads(known: SnapshotColumns) -> None:
    found = known.complete(IDS | {"time_ms": AS_OF_MS}, WANTED, KEY)
    assert plain(dict(found)) == WHOLE


def test_scores_are_those_of_a_caller_who_knows_everything(scorer: Scorer) -> None:
    now = {"time_ms": AS_OF_MS}
    np.testing.assert_array_equal(scorer.score(IDS | now), scorer.score(WHOLE))


def test_each_row_may_be_of_another_user(scorer: Scorer) -> None:
    both = {"uid": ["17", "18"], "item": ["7", "7"], "tab": 1, "time_ms": AS_OF_MS}
    apart = [scorer.score({**both, "uid": user, "item": ["7"]})[0] for user in ("17", "18")]
    assert scorer.score(both).tolist() == apart
    assert apart[0] != apart[1]
    assert scorer.score(pd.DataFrame(both)).tolist() == apart


def test_hashed_users_are_found_by_their_hash(scorer: Scorer) -> None:
    now = {"time_ms": AS_OF_MS}
    hashed = scorer.score(IDS | now | {"uid": USER["17"]}, hashed=True)
    np.testing.assert_array_equal(hashed, scorer.score(IDS | now))


def test_what_the_caller_knows_wins(known: SnapshotColumns) -> None:
    own = {"uid_events": 50, "author": ["bob"] * 4}
    found = known.complete(IDS | own, WANTED, KEY)
    assert found["uid_events"] == 50
    assert plain(dict(found))["author_events"] == [2.0] * 4


def test_a_user_whom_nobody_knows_has_nothing_yet(known: SnapshotColumns) -> None:
    found = plain(dict(known.complete(IDS | {"uid": "new"}, WANTED, KEY)))
    assert (found["uid_events"], found["uid_gap"], found["seen"]) == (0.0, None, [])
    assert found["both_events"] == [0.0, 0.0, None, None]


@pytest.mark.parametrize("missing", [None, float("nan"), "", " "])
def test_a_missing_user_is_missing(known: SnapshotColumns, missing: object) -> None:
    found = plain(dict(known.complete(IDS | {"uid": missing}, WANTED, KEY)))
    assert (found["uid_events"], found["uid_gap"], found["seen"]) == (None, None, [])


@pytest.mark.parametrize("later_s", [0, 90, 90_000])
def test_seconds_since_an_event_go_on(known: SnapshotColumns, later_s: int) -> None:
    found = known.complete(IDS | {"time_ms": AS_OF_MS + 1000 * later_s + 999}, WANTED, KEY)
    assert found["uid_gap"] == 60 + later_s


def test_without_a_time_it_is_now(known: SnapshotColumns) -> None:
    passed = time.time() - AS_OF_MS / 1000
    assert abs(float(known.complete(IDS, WANTED, KEY)["uid_gap"]) - 60 - passed) < 5  # type: ignore[arg-type]


def test_a_key_that_is_lacking_is_named(scorer: Scorer) -> None:
    with pytest.raises(UsageError, match=r"no \['uid'\], by which"):
        scorer.score({"item": ["7"], "tab": 1})
    with pytest.raises(UsageError, match=r"no \['item'\], by which"):
        scorer.score({"uid": "17", "tab": 1})


def test_what_no_snapshot_knows_is_asked_of_the_caller(scorer: Scorer) -> None:
    with pytest.raises(UsageError, match=r"missing \['tab'\]"):
        scorer.score({"uid": "17", "item": ["7"]})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"scenario": "other"}, "of other"),
        ({"id_key": "cd" * 8}, "id key cdcd"),
        (
            {"counters": (CounterMeaning(("uid",), {"events": "uid_events"}, "event", 10, 0.3),)},
            "counts uid_events otherwise",
        ),
    ],
)
def test_a_snapshot_of_another_meaning_is_refused(
    tmp_path: Path, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(ReleaseError, match=words):
        SnapshotColumns(StoredSnapshot(write_snapshot(tmp_path, **changes)), SCHEMA)


def test_an_old_snapshot_is_refused_where_its_age_matters(tmp_path: Path) -> None:
    fresh = write_snapshot(tmp_path, as_of_ms=int(time.time() * 1000) - 3_600_000)
    columns = SnapshotColumns(StoredSnapshot(fresh), SCHEMA, max_age_hours=1.001)
    assert abs(columns.age_hours - 1) < 0.001
    columns.complete(IDS, WANTED, KEY)
    with pytest.raises(ReleaseError, match=r"1\.0 hours old, 0\.5 are allowed"):
        SnapshotColumns(StoredSnapshot(fresh), SCHEMA, max_age_hours=0.5)
    time.sleep(4)
    with pytest.raises(ReleaseError, match="hours old"):
        columns.complete(IDS, WANTED, KEY)


def test_all_items_are_ranked_for_a_user(scorer: Scorer) -> None:
    now = {"uid": "17", "tab": 1, "time_ms": AS_OF_MS}
    scores = scorer.score(now | {"item": ["7", "8", "9"]})
    order = np.argsort(-scores, kind="stable")
    found = scorer.rank(now, k=2)
    assert found == [(["7", "8", "9"][place], float(scores[place])) for place in order[:2]]
    assert scorer.rank(now, k=9, items=["8", "7"]) == sorted(
        zip(["7", "8"], scores[:2].tolist(), strict=True), key=lambda one: -one[1]
    )


@pytest.mark.parametrize("items", [[["7"], ["8"]], [{"7"}], np.array([["7"], ["8"]])])
def test_keys_that_are_no_values_are_refused_by_name(scorer: Scorer, items: Any) -> None:
    with pytest.raises(UsageError, match="column item"):
        scorer.score({"uid": "17", "tab": 1, "item": items})


def test_half_of_a_surrogate_pair_is_an_item_that_nobody_knows(scorer: Scorer) -> None:
    now = {"uid": "17", "tab": 1, "time_ms": AS_OF_MS}
    scores = scorer.score(now | {"item": ["\ud800", "7", "unseen"]})
    assert scores[0] == scores[2]
    assert scores[1] == scorer.score(now | {"item": ["7"]})[0]


@pytest.mark.parametrize("hours", [float("nan"), -1.0])
def test_an_age_that_no_snapshot_can_exceed_is_refused(folder: Path, hours: float) -> None:
    with pytest.raises(UsageError, match="max_age_hours"):
        SnapshotColumns(StoredSnapshot(folder), SCHEMA, hours)


def test_nothing_is_ranked_without_a_snapshot(tmp_path: Path) -> None:
    bare = untrained_scorer(SCHEMA, WORDS, tmp_path / "package", FACTS, id_key=KEY)
    with pytest.raises(UsageError, match="snapshot"):
        bare.rank({"uid": "17", "tab": 1})
