"""A snapshot holds what plain Python finds before a request at the midnight after the window."""

from collections import Counter as Counts
from collections.abc import Iterator

import numpy as np
import oracle
import pytest
from rich_log import DAYS, RichLog, Row, midnight_ms

from secateur.artifacts import Artifact
from secateur.features.snapshot.inputs_by_key import kept_counters, kept_histories
from secateur.scenario import Counter
from secateur.snapshot.key_index import joined_key, key_hash
from secateur.snapshot.keyed_tables import StoredSnapshot
from small_log import receipt, run_verb, sealed

TOMORROW = "2024-03-08"
UNSEEN_ITEM = {"item": "99", "author": "author 9", "genre.main": "news", "pace": "2"}


def snapshot_of(rich: RichLog, events: Artifact, name: str, *settings: str) -> Artifact:
    """Run the verb on exactly these events."""
    report = receipt(events, rich.folder / f"{name} report")
    flags = {"events": events.uri, "validation": report, "output": rich.folder / name}
    run_verb("build_snapshot", rich.scenario(*settings), **flags)
    return sealed(str(rich.folder / name))


@pytest.fixture(scope="module")
def log(rich: RichLog) -> RichLog:
    """The rich log with an item that nobody was ever shown."""
    whole = dict.fromkeys(rich.items[0])
    return RichLog(rich.folder / "with unseen", rich.rows, [*rich.items, {**whole, **UNSEEN_ITEM}])


@pytest.fixture(scope="module")
def sealed_snapshot(spark: object, log: RichLog) -> Artifact:
    log.folder.mkdir(exist_ok=True)
    return snapshot_of(log, log.write(), "snapshot")


@pytest.fixture(scope="module")
def stored(sealed_snapshot: Artifact) -> StoredSnapshot:
    return StoredSnapshot(sealed_snapshot.folder)


@pytest.fixture(scope="module")
def events(log: RichLog) -> list[Row]:
    return list(map(oracle.timed, oracle.joined(log.rows, log.items)))


def keys_of(events: list[Row], keys: tuple[str, ...]) -> Iterator[dict[str, str]]:
    """Every combination of keys that an event had."""
    combinations = {tuple(row[key] for key in keys) for row in events}
    whole = (one for one in combinations if None not in one)
    return (dict(zip(keys, one, strict=True)) for one in sorted(whole))


def request(**values: str | None) -> Row:
    """A request at midnight that is no event."""
    return {"label": None, "day": TOMORROW, "time_ms": midnight_ms(TOMORROW), **values}


def looked_up(stored: StoredSnapshot, keys: dict[str, str], name: str) -> object:
    table = stored.tables[tuple(keys)]
    (value,) = table.values(name, table.places(np.array([key_hash(joined_key([*keys.values()]))])))
    return value


def test_every_counter_of_every_key_is_what_the_rows_say(
    log: RichLog, stored: StoredSnapshot, events: list[Row]
) -> None:
    counters = kept_counters(log.scenario().features)
    assert len(counters) > 10
    compared = 0
    for counter in counters:
        for keys in keys_of(events, counter.keys):
            expected = oracle.counted(request(**keys), events, counter)
            for name, value in expected.items():
                found = looked_up(stored, keys, name)
                assert found == value or (value is None and np.isnan(found)), (keys, name)
                compared += 1
    assert compared > 300


def test_every_history_is_what_the_rows_say(
    log: RichLog, stored: StoredSnapshot, events: list[Row]
) -> None:
    for spec in kept_histories(log.scenario().features):
        for keys in keys_of(events, ("uid",)):
            for name, value in oracle.history(request(**keys), events, spec).items():
                assert looked_up(stored, keys, name) == value


def test_an_item_has_the_columns_of_its_side_table(log: RichLog, stored: StoredSnapshot) -> None:
    for item in log.items:
        for name in ("author", "pace", "price", "words", "embedding", "genre.main"):
            assert looked_up(stored, {"item": item["item"]}, name) == item[name]


def test_an_item_that_nobody_was_shown_is_known(stored: StoredSnapshot, log: RichLog) -> None:
    assert looked_up(stored, {"item": "99"}, "author") == "author 9"
    name = next(c.field("events") for c in _of_item(log) if "events" in c.measures)
    assert looked_up(stored, {"item": "99"}, name) == 0


def _of_item(log: RichLog) -> Iterator[Counter]:
    return (c for c in kept_counters(log.scenario().features) if c.keys == ("item",))


def test_nothing_of_a_session_or_of_the_request_is_in_it(stored: StoredSnapshot) -> None:
    names = {column.name for table in stored.meaning.tables for column in table.columns}
    assert not [name for name in names if "session" in name]
    assert not names & {"visit", "visit_types", "tab", "dwell.time", "shelf", "hour", "uid"}


def test_it_says_of_when_it_is(stored: StoredSnapshot) -> None:
    assert stored.meaning.last_day == DAYS[-1]
    assert stored.meaning.as_of_ms == midnight_ms(TOMORROW)


def test_kept_days_give_the_same_bytes(log: RichLog, sealed_snapshot: Artifact) -> None:
    events, state = sealed(str(log.folder / "events")), log.folder / "state"
    report = receipt(events, log.folder / "again report")
    for number in range(2):
        output = log.folder / f"again {number}"
        flags = {"events": events.uri, "validation": report, "output": output, "state": state}
        run_verb("build_snapshot", log.scenario(), **flags)
        assert sealed(str(output)).digest == sealed_snapshot.digest


def test_what_fewer_events_had_is_withheld(
    log: RichLog, stored: StoredSnapshot, events: list[Row]
) -> None:
    """Of a user the row, of an item the counters; the others are what they were."""
    users, items = (Counts(row[name] for row in events if row[name]) for name in ("uid", "item"))
    least = max(min(users.values()), min(items.values())) + 1
    few_users = [user for user, n in users.items() if n < least]
    few_items = [item for item, n in items.items() if n < least]
    assert few_users
    assert few_items
    sealed_events = sealed(str(log.folder / "events"))
    rare = snapshot_of(log, sealed_events, "rare", f"features.snapshot_min_events={least}")
    strict = StoredSnapshot(rare.folder)
    assert strict.meaning.min_events == least
    by_user, by_item = strict.tables[("uid",)], strict.tables[("item",)]
    assert by_user.table.rows == len(users) - len(few_users)
    assert by_item.table.rows == stored.tables[("item",)].table.rows
    assert by_item.table.withheld == len([i for i in stored.items if items[i] < least])
    for user in few_users:
        assert by_user.places(np.array([key_hash(user)]))[0] == -1
    counted = [c for c in by_item.table.columns if c.kind == "number"]
    for item in items:
        for column in counted:
            found = looked_up(strict, {"item": item}, column.name)
            if item in few_items:
                nothing = np.nan if column.unseen is None else column.unseen
                np.testing.assert_equal(found, nothing)
            else:
                np.testing.assert_equal(found, looked_up(stored, {"item": item}, column.name))
        assert looked_up(strict, {"item": item}, "author") == looked_up(
            stored, {"item": item}, "author"
        )
