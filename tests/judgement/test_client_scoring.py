"""Claims about what a scorer is given, and about slices, timing and memory."""

import json
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secateur.artifacts import Artifact
from secateur.contracts import record
from secateur.contracts.features import FeatureSchema
from secateur.contracts.judgement import Accuracy, Difference, Latency
from secateur.judgement import slices
from secateur.judgement.compared_accuracy import (
    Compared,
    ScoredSplit,
    compare_accuracy,
    judged_rows,
    shuffle_half_of_items,
    write_scores,
)
from secateur.judgement.metrics import scratch, user_order
from secateur.judgement.scoring import client_scoring, latency, resident_memory
from secateur.judgement.scoring.client_scoring import HeldOutRows

MakeScorer = Callable[[], Any]
N = 300


@pytest.fixture
def rows(features: Artifact) -> HeldOutRows:
    schema = features.read("schema.json", FeatureSchema)
    return client_scoring.read_rows(features.folder / "tune", schema)


def test_every_row_is_scored_once_from_its_raw_values(
    rows: HeldOutRows, by_video: MakeScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client_scoring, "BULK", 128)
    scorer = by_video()
    scores = client_scoring.score_all(scorer, rows)
    expected = [0.0 if i == 7 else i / (i + 1) for i in range(N)]
    assert scores == pytest.approx(np.array(expected, np.float32))
    assert {len(given["age"]) for given in scorer.given} == {128, N - 256}
    assert set(scorer.given[0]) == {"user_id", "video_id", "tab", "age"}


def test_a_task_is_measured_on_the_rows_that_tell_it(
    features: Artifact, by_video: MakeScorer
) -> None:
    schema = replace(features.read("schema.json", FeatureSchema), tasks=("saved",))
    told = [None if i % 2 else int(i < 100) for i in range(N)]
    for file in sorted(features.folder.glob("tune/*.parquet")):
        table = pq.read_table(file)
        mine, told = told[: len(table)], told[len(table) :]
        pq.write_table(table.append_column("label_saved", pa.array(mine, pa.int8())), file)
    rows, scorer = client_scoring.read_rows(features.folder / "tune", schema), by_video()
    tasks = client_scoring.score_tasks(scorer, rows)
    assert [*tasks] == ["saved"]
    label = client_scoring.score_all(scorer, rows)
    upside_down = {"saved": 1 - tasks["saved"]}
    one = ScoredSplit("tune", rows, label, label, tasks, upside_down)
    found = compare_accuracy([one], seed=1)
    assert found.dense_accuracy["tune/task saved"].rows == N / 2
    assert found.dense_accuracy["tune/task saved"].auc == 1.0
    assert found.accuracy["tune/task saved"].auc == 0.0
    assert found.differences["auc"]["tune/task saved"].estimate == -1.0
    assert found.differences["auc"]["tune"].estimate == 0.0


def test_rows_are_of_one_item_where_the_logs_item_is_one(rows: HeldOutRows) -> None:
    """Whatever category has the most values: a scenario's item need be no input of a model."""
    assert np.array_equal(rows.items, np.arange(N) % 60)


def test_rows_without_a_user_or_item_are_of_one_of_their_own(features: Artifact) -> None:
    schema = features.read("schema.json", FeatureSchema)
    for file in features.folder.glob("tune/*.parquet"):
        table = pq.read_table(file)
        for name in ("user_hash", "item_key"):
            texts = [None if i < 2 else text for i, text in enumerate(table[name].to_pylist())]
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, pa.array(texts, pa.string()))
        pq.write_table(table, file)
    rows = client_scoring.read_rows(features.folder / "tune", schema)
    assert set(np.flatnonzero(rows.users == -1)) == set(np.flatnonzero(rows.items == -1))
    assert rows.hashes.null_count == (rows.users == -1).sum() >= 2
    assert rows.hashes[int(np.flatnonzero(rows.users >= 0)[0])].as_py() is not None


def test_a_request_gives_once_what_its_user_and_context_share(
    rows: HeldOutRows,
) -> None:
    request = client_scoring.request(rows, start=N - 2, batch=4)
    assert request["user_id"] == f"{(N - 2) % 100:016x}"
    assert request["tab"] == "1"
    assert request["video_id"] == [str(N - 2), str(N - 1), "0", "1"]


def test_slices_part_the_rows_by_train_events(rows: HeldOutRows) -> None:
    sizes = {name: int(mask.sum()) for name, mask in slices.slices(rows)}
    assert sizes == {
        "new users": 25,
        "users of 1-2 events": 50,
        "users of 3-9 events": 175,
        "users of 10+ events": 50,
        "new items": N,
    }


def test_the_scenarios_slices_are_those_that_its_columns_mark(features: Artifact) -> None:
    schema = features.read("schema.json", FeatureSchema)
    sliced = replace(schema, slices=("even", "nobody", "last 10"))
    for file in features.folder.glob("tune/*.parquet"):
        table = pq.read_table(file)
        number = table["user_id"].to_numpy()
        marks = [number % 2 == 0, number < 0, number >= N - 10]
        for column, mark in zip(sliced.slice_columns, marks, strict=True):
            table = table.append_column(column, pa.array(mark.astype(np.int8)))
        pq.write_table(table, file)
    rows = client_scoring.read_rows(features.folder / "tune", sliced)
    found = dict(slices.slices(rows))
    assert list(found)[-2:] == ["even", "last 10"]  # after the built-in ones, where there are rows
    assert np.flatnonzero(found["even"]).tolist() == list(range(0, N, 2))
    assert np.flatnonzero(found["last 10"]).tolist() == list(range(N - 10, N))
    assert "nobody" not in found


def test_the_comparison_covers_every_split_and_slice(
    rows: HeldOutRows, by_video: MakeScorer
) -> None:
    scores = client_scoring.score_all(by_video(), rows)
    found = compare_accuracy([ScoredSplit("tune", rows, scores, 1 - scores)], seed=1)
    assert set(found.accuracy) == {"tune", *(f"tune/{name}" for name, _ in slices.slices(rows))}
    dense, flipped = found.dense_accuracy["tune"].auc, found.accuracy["tune"].auc
    assert dense is not None
    assert flipped == pytest.approx(1 - dense)
    assert found.differences["auc"]["tune"].estimate == pytest.approx(1 - 2 * dense)


def test_a_split_that_lies_in_files_is_compared_as_one_in_memory(
    features: Artifact, by_video: MakeScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema = features.read("schema.json", FeatureSchema)

    def compare() -> Compared:
        rows = client_scoring.read_rows(features.folder / "tune", schema)
        scores = client_scoring.score_all(by_video(), rows)
        return compare_accuracy([ScoredSplit("tune", rows, scores, np.sqrt(scores))], seed=1)

    whole = compare()
    monkeypatch.setattr(scratch, "HELD", 64)
    monkeypatch.setattr(scratch, "ROWS_AT_ONCE", 40)
    monkeypatch.setattr(user_order, "BLOCK_ROWS", 40)
    found = compare()
    assert set(found.accuracy) == set(whole.accuracy)
    for key, accuracy in whole.accuracy.items():
        assert told(found.accuracy[key]) == pytest.approx(told(accuracy), rel=1e-12), key
        one, other = (of.differences["auc"].get(key) for of in (found, whole))
        assert (one is None) == (other is None), key
        if one and other:
            assert told(one) == pytest.approx(told(other), rel=1e-9, abs=1e-12), key


def told(figures: Accuracy | Difference) -> dict[str, float]:
    """Those that are known."""
    return {name: value for name, value in asdict(figures).items() if value is not None}


def test_controls_are_measured_with_every_candidate(
    rows: HeldOutRows, by_video: MakeScorer
) -> None:
    scores = client_scoring.score_all(by_video(), rows)
    found = compare_accuracy([ScoredSplit("tune", rows, scores, scores)], seed=1).controls
    assert set(found) == {"copy", "shuffled"}
    assert found["copy"]["auc"]["tune"].estimate == 0
    spoilt = shuffle_half_of_items(judged_rows(rows), scores, seed=1)
    assert sorted(spoilt) == sorted(scores)
    assert 0.4 < np.mean(spoilt != scores) < 0.6
    assert np.array_equal(spoilt, shuffle_half_of_items(judged_rows(rows), scores, seed=1))


def test_the_evidence_holds_every_score(
    rows: HeldOutRows, by_video: MakeScorer, tmp_path: Path
) -> None:
    scores = client_scoring.score_all(by_video(), rows)
    scored = [ScoredSplit(split, rows, scores, 1 - scores) for split in ("tune", "confirm")]
    write_scores(tmp_path / "scores.parquet", scored)
    table = pq.read_table(tmp_path / "scores.parquet")
    assert table.column_names == ["split", "user", "label", "dense", "candidate"]
    assert table["split"].to_pylist() == ["tune"] * N + ["confirm"] * N
    assert (table["dense"].to_numpy()[N:] == scores).all()


def test_timed_calls_take_turns_and_every_request_has_one() -> None:
    seen: list[tuple[str, int]] = []
    calls = [lambda i, name=name: seen.append((name, i)) for name in "ab"]
    taken = latency.time_in_turns(calls, seconds=0)
    timed = seen[2 * latency.WARM_UP :]
    assert [len(times) for times in taken] == [latency.TURNS * latency.REQUESTS] * 2
    rounds = [[(name, i) for i in range(latency.REQUESTS)] for name in "abbaabba"]
    assert timed == [call for of_round in rounds for call in of_round]
    seen.clear()
    latency.time_in_turns(calls, seconds=0.05)
    turns = [name for name, i in seen[2 * latency.WARM_UP :] if i == 0]
    assert turns[:4] == ["a", "b", "b", "a"]
    assert len(turns) > 2 * latency.TURNS


def test_latency_is_measured_at_each_batch_size_for_each_scorer(
    rows: HeldOutRows, by_video: MakeScorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latency, "SECONDS", 0)
    found = latency.measure_latency([by_video(), by_video()], rows)
    assert [[one.batch for one in of_scorer] for of_scorer in found] == [[1, 256], [1, 256]]
    assert all(0 < one.model_p50 <= one.model_p99 for one in found[0])
    assert all(one.repeated_p50 and one.repeated_p99 for one in found[0])


def test_a_scorecard_of_before_has_no_latency_of_repeated_ids() -> None:
    old = {"batch": 1, "model_p50": 2, "model_p99": 3, "request_p50": 4, "request_p99": 5}
    found = record.from_json(Latency, json.dumps(old).encode())
    assert found.repeated_p50 is None


class Heavy:
    """Keeps 64 MB alive."""

    def __init__(self, _: Path) -> None:
        self.weights = np.ones(8_000_000)

    def score(self, columns: client_scoring.RawColumns, *, hashed: bool = False) -> None:
        assert hashed


def test_growth_is_what_the_loaded_package_keeps(tmp_path: Path) -> None:
    grown = resident_memory._growth(Heavy, tmp_path, {"video_id": ["1"]})  # type: ignore[arg-type]
    assert grown == pytest.approx(64e6, rel=0.1)
