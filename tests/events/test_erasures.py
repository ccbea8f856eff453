"""Of a user who asked to be forgotten, no later night keeps an event, a fault or a side row."""

import os
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from secateur.artifacts import Artifact
from secateur.contracts.artifact_files import FENCE
from secateur.contracts.data import CleaningCounts
from secateur.contracts.errors import CorruptArtifact, FenceHeld, UsageError
from secateur.events.delivery import digest_of_night
from secateur.identity import ID_KEY, fingerprint
from secateur.releases.by_hand.forgetting import User, forget
from secateur.scenario import load_scenario
from secateur.storage import open_store
from secateur.storage.erasures import erased_users
from secateur.storage.lease import give_up, take_for
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


def state_of_a_night(folder: Path) -> str:
    """A state on which a night has worked, and works no more."""
    state = (folder / "state").as_uri()
    take_for(state, FENCE, "a night", hours=1)
    give_up(open_store(state), FENCE, "a night")
    return state


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
    state = state_of_a_night(tmp_path)
    before = digest_of_night(scenario, None, DAYS, state)
    assert before == digest_of_night(scenario, None, DAYS, None)
    forget(state, USER, "ada")
    assert digest_of_night(scenario, None, DAYS, state) != before


def test_the_first_erasure_stays_and_holds_for_its_key_alone(tmp_path: Path) -> None:
    state = state_of_a_night(tmp_path)
    first, _ = forget(state, USER, "ada")
    assert forget(state, USER, "bob") == (first, 0)
    assert erased_users(state, USER.id_key) == (USER.hashed,)
    assert erased_users(state, fingerprint(b"another key of 16 bytes")) == ()
    assert erased_users(None, USER.id_key) == ()


def test_an_erasure_that_cannot_be_read_ends_the_night(tmp_path: Path) -> None:
    """It must not be taken back in silence."""
    state = state_of_a_night(tmp_path)
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
    take_for(state, FENCE, "a night", hours=1)
    with pytest.raises(FenceHeld, match="a night holds"):
        forget(state, USER, "ada")
    assert erased_users(state, USER.id_key) == (USER.hashed,)


def test_a_state_of_no_night_is_a_slip(tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    for name in ("stat", "runs"):
        with pytest.raises(UsageError, match="no night has worked there"):
            forget(str(tmp_path / name), USER, "ada")
    assert [path.name for path in tmp_path.rglob("*")] == ["runs"]


def test_kept_days_are_counted_whatever_verbs_and_versions_they_have(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    for key in ("clean_events/2024-03-01/a", "clean_events/2024-03-01/b", "build_features/d/a"):
        store.put(f"{key}/manifest.json", b"")
    assert forget(str(tmp_path), USER, "ada")[1] == 2
    assert [*store.keys()] == [f"erasures/{USER.id_key}/{USER.hashed}.json", FENCE]


def test_days_behind_a_link_are_not_told_to_be_deleted(tmp_path: Path) -> None:
    state, day = tmp_path / "state", tmp_path / "disk" / "k1"
    day.mkdir(parents=True)
    (day / "manifest.json").touch()
    (state / "clean_events").mkdir(parents=True)
    (state / "clean_events" / "2024-03-01").symlink_to(day.parent)
    with pytest.raises(UsageError, match="behind a link"):
        forget(str(state), USER, "ada")
    assert erased_users(str(state), USER.id_key) == (USER.hashed,)
    assert (day / "manifest.json").exists()
