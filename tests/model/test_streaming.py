"""Rows read from their files again and again, within the memory they were given."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.contracts.errors import ArtifactError
from secateur.contracts.features import BucketField, FeatureSchema
from secateur.contracts.manifest import MadeBy
from secateur.model.data.batches import Split, load_split, split_holdout
from secateur.model.data.streaming import Stream, open_stream, row_bytes

PROJECT = Path(__file__).parents[2]
GROUP = 50
DAYS = ("2022-05-01", "2022-05-02", "2022-05-03")
SCHEMA = FeatureSchema(
    "numbered", "clicked", (), (BucketField("number", "context", tuple(range(1, 1000))),), "0" * 16
)


def write(folder: Path, rows_a_day: int, group: int, schema: FeatureSchema) -> Artifact:
    """A FeatureSet whose rows are numbered; its second file mixes the last two days."""
    number = np.arange(3 * rows_a_day, dtype=np.int32)
    day = np.repeat(DAYS, rows_a_day)
    columns = {field.name: number % field.size for field in schema.fields}
    table = pa.table(columns | {"label": (number % 2).astype(np.int8), "day": day})
    with artifacts.create(str(folder), "FeatureSet") as draft:
        draft.write("schema.json", schema)
        (draft.folder / "train").mkdir()
        for part, rows in enumerate((table[:rows_a_day], table[rows_a_day:])):
            pq.write_table(
                rows, draft.folder / "train" / f"part-{part}.parquet", row_group_size=group
            )
        draft.seal(MadeBy("test", "0"), {}, {})
    return artifacts.open_artifact(str(folder), "FeatureSet")


@pytest.fixture(scope="module")
def numbered(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """720 rows of one number, in blocks of 50."""
    return write(tmp_path_factory.mktemp("numbered") / "sealed", 240, GROUP, SCHEMA)


def small_memory(features: Artifact) -> Stream:
    """A stream whose buffers hold two blocks and a bit."""
    return open_stream(features, "train", memory_mb=4 * 2.2 * GROUP * row_bytes(SCHEMA) / 1e6)


def numbers(batches: Iterator[tuple[object, torch.Tensor]]) -> list[list[int]]:
    return [inputs.ids[:, 0].tolist() for inputs, _ in batches]  # type: ignore[attr-defined]


def epoch_of(stream: Stream, size: int, epoch: int) -> list[list[int]]:
    taken, found = 0, []
    for inputs, _ in stream.batches(size, seed=1):
        batch = inputs.ids[:, 0].tolist()
        found.append(batch)
        taken += len(batch)
        if taken == len(stream) * epoch:
            found = []
        if taken == len(stream) * (epoch + 1):
            return found
    raise AssertionError("batches end")


def test_every_epoch_has_every_row_once_with_its_target_in_another_order(
    numbered: Artifact,
) -> None:
    stream = small_memory(numbered)
    first, second = (list(chain(*epoch_of(stream, 32, epoch))) for epoch in (0, 1))
    assert sorted(first) == sorted(second) == list(range(720))
    assert first != second
    for inputs, targets in islice(stream.batches(32, seed=1), 30):
        assert torch.equal(inputs.ids[:, :1] % 2, targets.int())


def test_batches_are_at_most_as_large_as_asked_and_mix_blocks(numbered: Artifact) -> None:
    batches = epoch_of(small_memory(numbered), 32, epoch=0)
    assert all(24 <= len(batch) <= 32 for batch in batches[:-2])
    mixed = [batch for batch in batches if len({number // GROUP for number in batch}) > 1]
    assert len(mixed) > len(batches) / 2


def test_the_order_is_drawn_by_the_seed_alone(numbered: Artifact) -> None:
    one, again = small_memory(numbered), small_memory(numbered)
    assert numbers(islice(one.batches(32, 1), 40)) == numbers(islice(again.batches(32, 1), 40))
    assert numbers(islice(one.batches(32, 1), 40)) != numbers(islice(one.batches(32, 2), 40))


@pytest.mark.parametrize("start", [0, 1, 7, 23, 24, 40, 61])
def test_reading_may_begin_at_any_batch(numbered: Artifact, start: int) -> None:
    stream = small_memory(numbered)
    whole = numbers(islice(stream.batches(32, seed=1), start + 5))
    assert numbers(islice(stream.batches(32, seed=1, start=start), 5)) == whole[start:]


@pytest.mark.parametrize("days", [1, 2])
def test_it_is_parted_as_rows_in_memory_are(numbered: Artifact, days: int) -> None:
    expected = split_holdout(load_split(numbered, "train"), days)
    for stream, split in zip(small_memory(numbered).split_holdout(days), expected, strict=True):
        assert torch.equal(stream.read().inputs.ids, split.inputs.ids)
        assert torch.equal(stream.read().labels, split.labels)


def test_holding_out_every_day_is_an_error(numbered: Artifact) -> None:
    with pytest.raises(ArtifactError, match="3 train days: too few"):
        small_memory(numbered).split_holdout(3)


def test_rows_that_fit_are_kept_in_memory(numbered: Artifact) -> None:
    assert isinstance(open_stream(numbered, "train", memory_mb=1).read_if_small(), Split)
    assert isinstance(open_stream(numbered, "train", memory_mb=0.01).read_if_small(), Stream)
