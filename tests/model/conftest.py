"""A small click log with a planted signal, as a sealed FeatureSet."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from secateur import artifacts
from secateur.artifacts import Artifact, Draft
from secateur.contracts.features import BucketField, CategoryField, FeatureSchema
from secateur.contracts.manifest import MadeBy
from secateur.model.data.batches import Split, load_split, split_holdout
from secateur.scenario import Training

DAYS = {
    "train": ("2022-04-29", "2022-04-30", "2022-05-01"),
    "tune": ("2022-05-02",),
    "confirm": ("2022-05-03",),
}
ROWS_A_DAY = 2000
SCHEMA = FeatureSchema(
    "planted",
    "clicked",
    (CategoryField("user", "user", 41, 1, hashed=True), CategoryField("video", "item", 31, 1)),
    (BucketField("hour", "context", (6.0, 12.0, 18.0)),),
    "0123456789abcdef",
)
WITH_TASKS = replace(SCHEMA, tasks=("even", "late"))
TRAINING = Training(embedding_dim=4, hidden=(32, 16), learning_rate=5e-3, batch_size=128)


def planted_probability(ids: NDArray[np.int32]) -> NDArray[np.float64]:
    """Users like videos of their own parity, and evenings."""
    same_parity = (ids[:, 0] + ids[:, 1]) % 2 == 0
    logit: NDArray[np.float64] = 3.0 * same_parity - 2.0 + 0.5 * (ids[:, 2] == 3)
    return 1 / (1 + np.exp(-logit))


def write_day(draft: Draft, split: str, day: str, rng: np.random.Generator) -> None:
    sizes = [field.size for field in SCHEMA.fields]
    ids = np.stack([rng.integers(0, size, ROWS_A_DAY) for size in sizes], 1).astype(np.int32)
    columns = {f.name: ids[:, i] for i, f in enumerate(SCHEMA.fields)}
    label = (rng.random(ROWS_A_DAY) < planted_probability(ids)).astype(np.int8)
    odds = np.random.default_rng(ids[0])  # of its own, so that the labels stay as they are
    late = odds.random(ROWS_A_DAY) < np.where(ids[:, 2] == 3, 0.9, 0.1)
    even = odds.random(ROWS_A_DAY) < np.where(ids[:, 1] % 2 == 0, 0.9, 0.1)
    untold = odds.random(ROWS_A_DAY) < 0.5
    columns |= {
        "label_even": pa.array(even, pa.int8(), mask=untold),
        "label_late": pa.array(late, pa.int8()),
        "item_key": ids[:, 1].astype(str),
        "user_hash": ids[:, 0].astype(str),
        "time_ms": np.arange(ROWS_A_DAY),
    }
    table = pa.table(columns | {"label": label, "day": [day] * ROWS_A_DAY})
    (draft.folder / split).mkdir(exist_ok=True)
    pq.write_table(table, draft.folder / split / f"part-{day}.parquet")


@pytest.fixture(scope="session")
def features(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """Three train days, one of tune, one of confirm; 2,000 rows each, 3 fields."""
    return seal(tmp_path_factory.mktemp("features") / "sealed", SCHEMA)


@pytest.fixture(scope="session")
def features_with_tasks(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    """The same rows and two tasks: an even video, which half the rows tell, and a late hour."""
    return seal(tmp_path_factory.mktemp("features") / "sealed", WITH_TASKS)


def seal(folder: Path, schema: FeatureSchema) -> Artifact:
    uri, rng = str(folder), np.random.default_rng(7)
    with artifacts.create(uri, "FeatureSet") as draft:
        draft.write("schema.json", schema)
        for split, days in DAYS.items():
            for day in days:
                write_day(draft, split, day, rng)
        draft.seal(MadeBy("test", "0"), {}, {})
    return artifacts.open_artifact(uri, "FeatureSet")


@pytest.fixture(scope="session")
def planted(features: Artifact) -> tuple[Split, Split]:
    """Train and holdout rows."""
    return split_holdout(load_split(features, "train"), days=1)
