"""Claims about train rows that are decoded for the client: it scores them as the model does."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from all_kinds import DAYS, KEY, SCHEMA, USERS, sealed_features
from secateur.artifacts import Artifact, create
from secateur.contracts.candidates import Recipe
from secateur.judgement.scoring import train_rows
from secateur.judgement.scoring.client_scoring import score_values
from secateur.judgement.scoring.train_rows import read_train_rows
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import load_split
from secateur.model.training.holdout import predict
from secateur.packaging.assembly import write_package
from secateur.packaging.source import package_source
from secateur.scenario import Training
from secateur.serving.scorer import load


@pytest.fixture(scope="module")
def all_kinds(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return sealed_features(tmp_path_factory.mktemp("features"))


@pytest.fixture(scope="module")
def model() -> Recommender:
    model = new_model(SCHEMA, Training(embedding_dim=4, hidden=(12, 6)), seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return model


def test_the_client_scores_train_rows_of_every_kind_of_input_as_the_model_does(
    all_kinds: Artifact, model: Recommender, tmp_path: Path
) -> None:
    split = load_split(all_kinds, "train")
    with create(str(tmp_path / "p"), "Package") as draft:
        source = package_source(all_kinds)
        write_package(draft, model, Recipe("r"), source, split.inputs, "A sample")
    found = read_train_rows(
        all_kinds, [*USERS, "00000000000000ff", ""], DAYS["train"], 10**6, seed=1
    )
    assert found is not None
    assert len(found) == len(split)
    scores = score_values(load(tmp_path / "p", id_key=KEY), found.values)
    expected = torch.sigmoid(predict(model, split.inputs)).numpy()
    assert np.abs(scores - expected).max() < 1e-5
    assert expected.std() > 0.1
    assert found.labels.tolist() == split.labels.tolist()


def test_so_many_rows_of_these_users_are_drawn_and_by_the_seed_alone(all_kinds: Artifact) -> None:
    drawn = [read_train_rows(all_kinds, USERS[:3], DAYS["train"], 50, seed) for seed in (1, 1, 2)]
    hashes = [found.hashes.tolist() for found in drawn if found]
    assert [len(found) for found in hashes] == [50, 50, 50]
    assert set(hashes[0]) == set(USERS[:3])
    assert hashes[0] == hashes[1] != hashes[2]
    assert read_train_rows(all_kinds, ["nobody"], DAYS["train"], 50, 1) is None
    assert read_train_rows(all_kinds, USERS, DAYS["tune"], 50, 1) is None
    on_one_day = read_train_rows(all_kinds, USERS, DAYS["train"][-1:], 10**6, 1)
    assert on_one_day is not None
    assert set(on_one_day.days.tolist()) == {DAYS["train"][-1]}


def test_of_many_row_groups_some_are_read(
    all_kinds: Artifact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(train_rows, "MOST_GROUPS", 1)
    found = read_train_rows(all_kinds, USERS, DAYS["train"], 10**6, 1)
    table = pq.read_table(all_kinds.folder / "train" / "part-00000.parquet")
    assert found is not None
    assert 0 < len(found) <= table.num_rows
