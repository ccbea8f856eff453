"""Claims about a scorecard as a whole, measured with a scorer that needs no package."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.contracts import record
from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import ArtifactError, GateRefused
from secateur.contracts.judgement import METRICS, Scorecard
from secateur.contracts.manifest import MadeBy
from secateur.judgement import evaluation
from secateur.judgement.scoring import latency


def package(
    place: Path, name: str, made_from: dict[str, str], facts: Mapping[str, int]
) -> Artifact:
    with artifacts.create(str(place / name), "Package") as draft:
        draft.write("recipe.json", Recipe(name))
        (draft.folder / "model.onnx").write_bytes(b"0" * facts.get("parameters", 0))
        draft.seal(MadeBy("test", "0"), made_from, facts)
    return artifacts.open_artifact(str(place / name), "Package")


@pytest.fixture
def pair(tmp_path: Path, features: Artifact) -> evaluation.Pair:
    made_from = {"dense": "d1", "features": features.digest}
    facts = {"parameters": 400, "nonzero": 100}
    return evaluation.Pair(
        package(tmp_path, "small", made_from, facts),
        package(tmp_path, "dense", made_from, {"parameters": 1000, "nonzero": 1000}),
    )


def test_a_scorecard_holds_both_models_and_survives_its_file(
    pair: evaluation.Pair,
    features: Artifact,
    by_video: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(latency, "SECONDS", 0)
    monkeypatch.setattr(evaluation, "resident_bytes", lambda *_: [5000, 2000])
    card, scored = evaluation.evaluate(pair, features, lambda _: by_video(), 1, holdout_days=1)
    assert card == record.from_json(Scorecard, record.dump(card))
    assert (card.recipe, card.package) == ("small", pair.package.digest)
    assert card.dense_package == pair.dense.digest
    assert card.accuracy == card.dense_accuracy
    for metric in METRICS[:7]:  # a day's rows are too few for a list of ten
        same = card.of_metric(metric.name)["tune"]
        assert same.estimate == same.standard_error == 0, metric
    assert [one.split for one in scored] == ["tune", "confirm"]
    assert card.footprint.package_bytes == pair.package.manifest.bytes
    assert card.footprint.file_bytes["model.onnx"] == 400
    assert (card.footprint.resident_bytes, card.dense_footprint.resident_bytes) == (2000, 5000)
    assert card.footprint.nominal_sparsity == pytest.approx(0.9)
    assert card.dense_footprint.nominal_sparsity == 0


def test_days_without_a_row_judge_nothing(
    pair: evaluation.Pair,
    features: Artifact,
    by_video: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    read = evaluation.read_rows
    empty = {"confirm": tmp_path / "nothing"}
    monkeypatch.setattr(
        evaluation, "read_rows", lambda folder, of: read(empty.get(folder.name, folder), of)
    )
    with pytest.raises(GateRefused, match=r"the confirm days of .* have no row to judge by"):
        evaluation.evaluate(pair, features, lambda _: by_video(), 1, holdout_days=1)


def test_a_package_whose_maker_counted_no_weights_has_no_sparsity(
    tmp_path: Path, pair: evaluation.Pair
) -> None:
    uncounted = package(tmp_path, "uncounted", {}, {})
    found = evaluation.footprint(uncounted, pair.dense, resident=1)
    assert (found.parameters, found.nominal_sparsity) == (None, None)


def test_packages_of_other_origin_are_not_compared(
    tmp_path: Path, pair: evaluation.Pair, features: Artifact
) -> None:
    pair.demand_common_origin(features)
    for made_from, said in (
        ({"dense": "d2", "features": features.digest}, "made from dense d2, not d1"),
        ({"dense": "d1", "features": "f2"}, "made from features f2"),
    ):
        other = package(tmp_path, "other", made_from, {})
        with pytest.raises(ArtifactError, match=said):
            evaluation.Pair(other, pair.dense).demand_common_origin(features)


def test_scores_that_are_no_numbers_are_refused_with_their_count(
    pair: evaluation.Pair, features: Artifact, by_video: type[Any]
) -> None:
    class Broken(by_video):  # type: ignore[misc]
        def score_ids(self, ids: Any) -> Any:
            scores = super().score_ids(ids)
            scores[:2] = float("nan")
            return scores

    scorers = iter([by_video(), Broken()])
    with pytest.raises(GateRefused, match=f"2 of 300 scores on the tune days .*{pair.package.uri}"):
        evaluation.evaluate(pair, features, lambda _: next(scorers), 1, holdout_days=1)


def test_scores_of_a_further_task_that_are_no_numbers_are_refused(
    pair: evaluation.Pair,
    features: Artifact,
    by_video: Callable[[], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broken = {"follow": np.array([0.5, np.nan], np.float32)}
    monkeypatch.setattr(evaluation, "score_tasks", lambda *_: broken)
    with pytest.raises(GateRefused, match="1 of 2 scores on the tune days are no probability"):
        evaluation.evaluate(pair, features, lambda _: by_video(), 1, holdout_days=1)
