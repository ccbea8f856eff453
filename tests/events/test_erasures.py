"""Of a user who asked to be forgotten, no later night keeps an event, a fault or a side row."""

import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from secateur.artifacts import Artifact
from secateur.contracts.data import CleaningCounts
from secateur.contracts.errors import CorruptArtifact, FenceHeld
from secateur.events.delivery import digest_of_night
from secateur.identity import ID_KEY, fingerprint
from secateur.releases.by_hand.forgetting import User, forget
from secateur.scenario import load_scenario
from secateur.storage import open_store
from secateur.storage.erasures import erased_users
from secateur.storage.lease import take_for
from small_log import DAYS, SmallLog, all_events, small_log

RAW = "raw-user-3"
KEY = os.environ[ID_KEY].encode()
USER = User.of(RAW, KEY)


@pytest.fixture(scope="module")
def log(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> SmallLog:
    """A log with a row of this user that is quarantined, in each folder's own spelling."""
    made = small_log(tmp_path_factory.mktemp("erased"))
    made.days[DAYS[2]].append(f"{RAW},3,soon,1,home,5")
    return made.write()


def bytes_below(folder: Path, text: str) -> list[str]:
    """The files that hold a text; Parquet files of these events are not compressed beyond it."""
    return [
        str(path)
        for path in folder.rglob("*")
        if path.is_file() and text.encode() in path.read_bytes()
    ]


def clean(log: SmallLog, state: Path, output: Path) -> Artifact:
    return log.run("clean_events", output=output, state=state)


def test_no_later_night_holds_a_user_who_is_forgotten(log: SmallLog, tmp_path: Path) -> None:
    state = tmp_path / "state"
    before = clean(log, state, tmp_path / "before")
    rows = all_events(before)["uid"].to_pylist()
    assert rows.count(USER.hashed) > 10
    assert bytes_below(before.folder / "quarantine", USER.hashed)
    erasure, days = forget(str(state), USER, "ada")
    assert (erasure.user, erasure.actor, days) == (USER.hashed, "ada", len(DAYS))
    assert not list(state.glob("clean_events/*/*"))
    after = clean(log, state, tmp_path / "after")
    assert all_events(after)["uid"].to_pylist() == [row for row in rows if row != USER.hashed]
    counts = after.read("counts.json", CleaningCounts)
    assert counts.filtered == rows.count(USER.hashed) + 1
    assert counts.quarantined == 0
    for folder in (after.folder, state / "clean_events"):
        assert not bytes_below(folder, USER.hashed)
    assert after.manifest.facts["erased"] == 1


def test_a_night_after_it_is_another_one(log: SmallLog, tmp_path: Path) -> None:
    """Else it would be skipped, since the same files made what is served."""
    scenario = load_scenario(str(log.scenario))
    state = str(tmp_path / "state")
    before = digest_of_night(scenario, None, DAYS, state)
    assert before == digest_of_night(scenario, None, DAYS, None)
    forget(state, USER, "ada")
    assert digest_of_night(scenario, None, DAYS, state) != before


def test_the_first_erasure_stays_and_holds_for_its_key_alone(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    first, _ = forget(state, USER, "ada")
    assert forget(state, USER, "bob") == (first, 0)
    assert erased_users(state, USER.id_key) == (USER.hashed,)
    assert erased_users(state, fingerprint(b"another key of 16 bytes")) == ()
    assert erased_users(None, USER.id_key) == ()


def test_an_erasure_that_cannot_be_read_ends_the_night(tmp_path: Path) -> None:
    """It must not be taken back in silence."""
    state = (tmp_path / "state").as_uri()
    forget(state, USER, "ada")
    store = open_store(state)
    (key,) = store.keys("erasures/")
    whole = store.get(key).data
    for damaged in (b"{", b"{}", b"[]", whole.replace(f'"{USER.hashed}"'.encode(), b"7")):
        store.put(key, damaged)
        with pytest.raises(CorruptArtifact, match="is no erasure"):
            erased_users(state, USER.id_key)


def test_it_is_noted_while_a_night_is_at_work(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    take_for(state, "night.json", "a night", hours=1)
    with pytest.raises(FenceHeld, match="a night holds"):
        forget(state, USER, "ada")
    assert erased_users(state, USER.id_key) == (USER.hashed,)
