"""What an accepted night leaves of its cuts, and a later one finds."""

import logging
from dataclasses import replace
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import torch

import plan_candidates
import prune_model
from accept_night import keep
from secateur import artifacts
from secateur.accepted import left_by_cuts
from secateur.artifacts import open_artifact
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.manifest import MadeBy
from secateur.contracts.pruning import Overlap
from secateur.pruning.nightly.previous_cuts import load_previous_cuts
from secateur.scenario.sections.repruning import Repruning

from .test_prune_model import RECIPES, job, write_dense, write_features


@pytest.fixture
def accepted(tmp_path: Path) -> Path:
    """A run whose candidates were pruned with an earlier night accepted; its state beside it."""
    write_features(tmp_path / "features")
    write_dense(tmp_path / "dense", seed=0)
    plan_candidates.plan_candidates(job("plan_candidates", tmp_path, "plan"))
    prune(tmp_path, "candidates/hybrid")
    dense = open_artifact((tmp_path / "dense").as_uri(), "ModelBundle").digest
    candidates, vocabulary = str(tmp_path / "candidates"), tmp_path / "features/vocabulary.parquet"
    assert left_by_cuts(candidates, "another", vocabulary) is None
    left = left_by_cuts(candidates, dense, vocabulary)
    keep(job("accept_night", tmp_path, "accepted", state=str(tmp_path / "state")), left)
    (tmp_path / "state/prunings/2022-04-27").rename(tmp_path / "state/prunings/2022-04-26")
    return tmp_path


def prune(run: Path, output: str, recipe: str = "hybrid", wanted: Repruning | None = None) -> Path:
    task = job("prune_model", run, output, recipe=recipe, state=str(run / "state"))
    task.scenario = task.scenario.model_copy(update={"repruning": wanted or Repruning()})
    prune_model.prune_model(task)
    return run / output / "bundle"


def test_a_second_night_says_what_it_kept(accepted: Path) -> None:
    bundle = open_artifact(prune(accepted, "again").as_uri(), "ModelBundle")
    told = bundle.read("overlap.json", Overlap)
    # The dense model was not trained on from last night's: its neurons are others.
    assert told == Overlap("2022-04-27", {"value": 1.0})
    assert told.words == "100.0 % of values kept as on 2022-04-27"
    assert bundle.manifest.made_from["prunings"] != "none"


def test_neurons_are_held_to_where_the_dense_model_went_on(accepted: Path) -> None:
    write_dense(accepted / "dense", seed=1, start="warm")
    plan_candidates.plan_candidates(job("plan_candidates", accepted, "plan"))
    wanted = Repruning(max_churn=0, max_loss=1)
    bundle = open_artifact(prune(accepted, "again", wanted=wanted).as_uri(), "ModelBundle")
    assert bundle.read("overlap.json", Overlap).shares == {"neuron": 1.0, "value": 1.0}


def test_rows_are_found_again_by_the_values_that_they_stand_for(accepted: Path) -> None:
    write_dense(accepted / "later_dense", seed=1, rows=(31, 20, 6))  # an age more, an item less
    features, dense, later_dense = (
        open_artifact((accepted / name).as_uri(), kind)
        for name, kind in (
            ("features", "FeatureSet"),
            ("dense", "ModelBundle"),
            ("later_dense", "ModelBundle"),
        )
    )
    table = pq.read_table(features.file("vocabulary.parquet"))
    items = pc.equal(table["field"], "item")
    backwards = pc.if_else(items, pc.subtract(19, table["id"]), table["id"])
    with artifacts.create((accepted / "later").as_uri(), "FeatureSet") as draft:
        later = table.set_column(1, "id", backwards).filter(pc.not_equal(table["value"], "i0"))
        pq.write_table(later, draft.folder / "vocabulary.parquet")
        draft.seal(MadeBy("test", "0"), {}, {})
    hybrid, state = RECIPES[3], str(accepted / "state")
    same = load_previous_cuts(state, hybrid, dense, features, "2022-04-27")
    other = load_previous_cuts(
        state,
        hybrid,
        later_dense,
        open_artifact((accepted / "later").as_uri(), "FeatureSet"),
        "2022-04-27",
    )
    assert same is not None
    assert other is not None
    then, now = (past.cuts[0] for past in (same, other))
    assert torch.equal(now.kept[0], then.kept[0])
    assert now.kept[1].tolist() == then.kept[1].flip(0)[:-1].tolist()
    assert now.kept[1].any()
    assert now.kept[2].tolist() == [False] * 5  # ages are not held to: all of them stay
    assert torch.equal(now.scores[1], then.scores[1].flip(0)[:-1])


def test_a_recipe_that_was_not_there_is_cut_as_for_the_first_time(
    accepted: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "secateur.pruning"):
        bundle = prune(accepted, "other", recipe="rows")
    assert "no night before 2022-04-27 left cuts of rows" in caplog.text
    assert not (bundle / "overlap.json").exists()


def test_a_recipe_whose_steps_changed_is_cut_as_for_the_first_time(
    accepted: Path, caplog: pytest.LogCaptureFixture
) -> None:
    features = open_artifact((accepted / "features").as_uri(), "FeatureSet")
    dense = open_artifact((accepted / "dense").as_uri(), "ModelBundle")
    changed = replace(RECIPES[3], steps=RECIPES[3].steps[:1])
    assert (
        load_previous_cuts(str(accepted / "state"), changed, dense, features, "2022-04-27") is None
    )
    assert "hybrid has other steps or units than on 2022-04-27" in caplog.text


def test_a_forged_memory_is_refused(accepted: Path) -> None:
    shelf = accepted / "state/prunings/2022-04-26/hybrid.json"
    shelf.write_text(shelf.read_text().replace('"min_count": 20', '"min_count": 19'))
    with pytest.raises(CorruptArtifact):
        prune(accepted, "forged")
