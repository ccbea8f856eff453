from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from secateur.artifacts import Artifact
from secateur.contracts.errors import ArtifactError
from secateur.model.data.batches import load_split, shuffled_indices, split_holdout

from .conftest import DAYS, ROWS_A_DAY


def test_a_split_holds_the_rows_of_its_files_in_their_order(features: Artifact) -> None:
    split = load_split(features, "train")
    paths = [features.folder / "train" / f"part-{day}.parquet" for day in DAYS["train"]]
    rows = pa.concat_tables(pq.read_table(path) for path in paths).to_pylist()
    assert split.inputs.ids.dtype == torch.int32
    assert split.inputs.ids.tolist() == [[row["user"], row["video"], row["hour"]] for row in rows]
    assert split.labels.tolist() == [row["label"] for row in rows]
    assert split.days.astype(str).tolist() == [row["day"] for row in rows]


def test_an_absent_split_is_an_error(features: Artifact) -> None:
    with pytest.raises(ArtifactError, match="no row of the split evening"):
        load_split(features, "evening")


@pytest.mark.parametrize("days", [1, 2])
def test_the_holdout_is_the_last_train_days_and_never_a_tune_or_confirm_day(
    features: Artifact, days: int
) -> None:
    whole = load_split(features, "train")
    train, holdout = split_holdout(whole, days)
    assert set(holdout.days.astype(str)) == set(DAYS["train"][-days:])
    assert set(train.days.astype(str)) == set(DAYS["train"][:-days])
    assert len(holdout) == days * ROWS_A_DAY
    assert torch.equal(torch.cat([train.inputs.ids, holdout.inputs.ids]), whole.inputs.ids)


def test_holding_out_every_day_is_an_error(features: Artifact) -> None:
    with pytest.raises(ArtifactError, match="3 train days: too few"):
        split_holdout(load_split(features, "train"), 3)


def test_an_epoch_has_every_row_once_and_the_next_another_order() -> None:
    batches = list(islice(shuffled_indices(10, size=4, seed=0), 6))
    assert [len(b) for b in batches] == [4, 4, 2, 4, 4, 2]
    first, second = torch.cat(batches[:3]), torch.cat(batches[3:])
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(10))
    assert not np.array_equal(first, second)


def test_the_order_is_drawn_by_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = next(shuffled_indices(100, size=100, seed=5))
    torch.manual_seed(2)
    assert torch.equal(first, next(shuffled_indices(100, size=100, seed=5)))
    assert not torch.equal(first, next(shuffled_indices(100, size=100, seed=6)))
