"""Claims about the ledger: each question has a number of its own, whoever else asks meanwhile."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secateur.artifacts import Artifact
from secateur.contracts.errors import CorruptArtifact, PreconditionFailed
from secateur.contracts.features import FeatureSchema
from secateur.judgement import holdout_ledger
from secateur.judgement.holdout_ledger import ask, digest_of_days
from secateur.judgement.scoring.client_scoring import read_rows
from secateur.storage import open_store
from secateur.storage.local import FileStore

from .conftest import SCHEMA


def test_questions_are_numbered_in_turn_and_one_asked_again_keeps_its_number(
    tmp_path: Path,
) -> None:
    state = str(tmp_path)
    assert [ask(state, "f", q) for q in ("a", "b", "a", "c", "b")] == [1, 2, 1, 3, 2]
    assert ask(state, "other days", "a") == 1


def test_targets_that_ask_at_the_same_time_are_counted_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process takes its number between our look at the folder and our own writing."""
    state, store = str(tmp_path), open_store(str(tmp_path))
    put_new = FileStore.put_new

    def late(self: FileStore, key: str, data: bytes) -> None:
        monkeypatch.setattr(FileStore, "put_new", put_new)
        assert ask(state, "f", "theirs") == 1
        self.put_new(key, data)

    monkeypatch.setattr(FileStore, "put_new", late)
    assert ask(state, "f", "ours") == 2
    assert sorted(ask(state, "f", q) for q in ("ours", "theirs")) == [1, 2]
    assert len(list(store.keys("holdouts/f/"))) == 4


def test_many_questions_at_once_have_as_many_numbers(tmp_path: Path) -> None:
    questions = [f"q{i}" for i in range(12)]
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda q: ask(str(tmp_path), "f", q), questions))
    assert sorted(found) == list(range(1, 13))


def test_a_night_killed_with_a_number_in_hand_has_it_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = str(tmp_path)

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(holdout_ledger.contextlib, "suppress", die)  # the number is taken by then
        with pytest.raises(KeyboardInterrupt):
            ask(state, "f", "a")
    assert ask(state, "f", "a") == 1
    assert ask(state, "f", "b") == 2


def test_questions_of_before_are_counted(tmp_path: Path) -> None:
    """Earlier versions wrote no numbers apart; two that were asked at once had the same one."""
    store = open_store(str(tmp_path))
    for question, number in {"a": 1, "b": 2, "c": 2}.items():
        store.put(f"holdouts/f/{question}.json", json.dumps({"number": number}).encode())
    assert ask(str(tmp_path), "f", "d") == 4


@pytest.mark.parametrize("written", ["", "[]", "{}", '{"number": "1"}', '{"number": -5}', "x"])
def test_a_damaged_ledger_counts_nothing_as_nothing(tmp_path: Path, written: str) -> None:
    store = open_store(str(tmp_path))
    store.put("holdouts/f/a.json", written.encode())
    for question in ("a", "b"):
        with pytest.raises(CorruptArtifact, match=r"holdouts/f/a\.json"):
            ask(str(tmp_path), "f", question)


def test_a_number_that_is_taken_is_not_given_twice(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    store.put_new("holdouts/f/number_1.json", b'{"question": "theirs"}')
    assert ask(str(tmp_path), "f", "ours") == 2
    with pytest.raises(PreconditionFailed):
        store.put_new("holdouts/f/number_2.json", b"")


def rows_of(folder: Path, schema: FeatureSchema = SCHEMA) -> str:
    return digest_of_days(read_rows(folder / split, schema) for split in ("tune", "confirm"))


def test_days_are_known_by_their_rows_and_not_by_what_is_read_of_them(
    features: Artifact, tmp_path: Path
) -> None:
    """Nights with another input, or in files of other sizes, ask the same days."""
    known = rows_of(features.folder)
    assert rows_of(features.folder, replace(SCHEMA, categories=SCHEMA.categories[:1])) == known
    for split in ("tune", "confirm"):
        (tmp_path / split).mkdir()
        table = pq.read_table(features.folder / split).drop(["user_train_events"])
        kept = table.append_column("user_train_events", pa.array([7] * len(table), pa.int32()))
        pq.write_table(kept, tmp_path / split / "all.parquet")
    assert rows_of(tmp_path) == known
    liked = pq.read_table(tmp_path / "tune" / "all.parquet").to_pylist()
    for column, other in {"label": 0, "user_hash": "f" * 16}.items():
        changed = [{**liked[0], column: other}, *liked[1:]]
        pq.write_table(pa.Table.from_pylist(changed, kept.schema), tmp_path / "tune/all.parquet")
        assert rows_of(tmp_path) != known, column
