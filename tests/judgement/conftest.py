"""Scorecards with the few figures that a gate looks at, and a small FeatureSet with its scorer."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from numpy.typing import NDArray

from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.contracts.features import BucketField, CategoryField, FeatureSchema
from secateur.contracts.judgement import (
    METRICS,
    Accuracy,
    Difference,
    Footprint,
    Latency,
    Scorecard,
)
from secateur.contracts.manifest import MadeBy
from secateur.judgement.accuracy import Scores

ACCURACY = Accuracy(1000, 500, 200, 0.73, 0.68, 0.55, 0.9, 1.0)
EQUAL = Difference(0.0, 0.001)
Ids = NDArray[np.int32]
MakeCard = Callable[..., Scorecard]
ByMetric = dict[str, dict[str, Difference]]


def make_card(
    recipe: str = "a",
    tune: Difference | None = EQUAL,
    confirm: Difference | None = EQUAL,
    size: int = 100,
    us: float = 100.0,
    **others: Difference,
) -> Scorecard:
    """Dense has 1,000 bytes and 1,000 us a request of 256, its p99 is 1.5 times that.

    `tune` and `confirm` are differences in AUC, `others` in further metrics, on both.
    """
    of_auc = {split: d for split, d in {"tune": tune, "confirm": confirm}.items() if d}
    equal = {metric.name: dict.fromkeys(("tune", "confirm"), EQUAL) for metric in METRICS}
    given = {name: dict.fromkeys(("tune", "confirm"), d) for name, d in others.items()}
    return Scorecard(
        recipe=recipe,
        package=f"digest of {recipe}",
        dense_package="digest of dense",
        accuracy={"tune": ACCURACY, "confirm": ACCURACY},
        dense_accuracy={"tune": ACCURACY, "confirm": ACCURACY},
        differences={**equal, **given, "auc": of_auc},
        footprint=Footprint(size, {"model.onnx": size}, 10 * size, size // 4, 0.8),
        dense_footprint=Footprint(1000, {"model.onnx": 1000}, 10_000, 250, 0.0),
        latency=latencies(us),
        dense_latency=latencies(1000.0),
        dense_levels=levels(),
        controls=controls(),
    )


def levels(auc: float = 0.73, entropy: float = 0.9) -> dict[str, dict[str, Difference]]:
    """What a dense model has on both splits."""
    found = {"auc": auc, "normalized_entropy": entropy}
    return {
        name: dict.fromkeys(("tune", "confirm"), Difference(value, 0.01))
        for name, value in found.items()
    }


def controls(copy: float = 0.0, shuffled: float = -0.1) -> dict[str, ByMetric]:
    """Of a copy of dense, and of a model that is shuffled, by how much AUC they are off."""
    same = {metric.name: dict.fromkeys(("tune", "confirm"), EQUAL) for metric in METRICS}
    return {
        name: {**same, "auc": dict.fromkeys(("tune", "confirm"), Difference(worse, 0.001))}
        for name, worse in (("copy", copy), ("shuffled", shuffled))
    }


def latencies(us: float) -> tuple[Latency, ...]:
    return (
        Latency(1, us / 20, us / 15, us / 10, us / 8),
        Latency(256, us / 2, us / 1.5, us, 1.5 * us),
    )


SCHEMA = FeatureSchema(
    "test",
    "label",
    (
        CategoryField("user_id", "user", 9, 1, hashed=True),
        CategoryField("video_id", "item", 9, 1),
        CategoryField("tab", "context", 3, 1),
    ),
    (BucketField("age", "item", (1.0, 2.0)),),
    "ab" * 8,
)
N = 300


class ByVideo:
    """Scores a row by its video's number alone, and remembers what it was given."""

    def __init__(self) -> None:
        self.given: list[Mapping[str, object]] = []

    def score(self, columns: Mapping[str, object], *, hashed: bool = False) -> Scores:
        self.given.append(columns)
        return self.score_ids(self.encode(columns, hashed=hashed))

    def score_tasks(
        self, columns: Mapping[str, object], *, hashed: bool = False
    ) -> dict[str, Scores]:
        scores = self.score(columns, hashed=hashed)
        return {"label": scores, "saved": 1 - scores}

    def encode(self, columns: Mapping[str, object], *, hashed: bool = False) -> Ids:
        assert hashed
        videos = columns["video_id"]
        assert isinstance(videos, list | np.ndarray)
        return np.array([[0, 0 if v is None else int(v), 0, 0] for v in videos], np.int32)

    def repeat_request(self, encoded: Ids) -> Ids:
        return encoded

    def score_ids(self, ids: Ids) -> Scores:
        return (ids[:, 1] / (ids[:, 1] + 1)).astype(np.float32)


def raw_rows() -> pa.Table:
    users = [f"{i % 100:016x}" for i in range(N)]
    return pa.table(
        {
            "label": pa.array([int(i % 3 == 0) for i in range(N)], pa.int8()),
            "user_hash": users,
            "item_key": [f"n{i % 60}" for i in range(N)],  # models know it as a video
            "day": ["2026-01-01" if i < 200 else "2026-01-02" for i in range(N)],
            "user_train_events": pa.array([i % 12 for i in range(N)], pa.int32()),
            "item_train_events": pa.array([0] * N, pa.int32()),
            "user_id": pa.array(range(N), pa.int32()),  # ids are there, and are not to be used
            "value_user_id": users,
            "value_video_id": [None if i == 7 else str(i) for i in range(N)],
            "value_tab": ["1"] * N,
            "value_age": pa.array([float(i) for i in range(N)], pa.float64()),
        }
    )


@pytest.fixture
def features(tmp_path: Path) -> Artifact:
    """A FeatureSet whose judged days hold `N` rows in two files."""
    place = str(tmp_path / "features")
    with artifacts.create(place, "FeatureSet") as draft:
        draft.write("schema.json", SCHEMA)
        for split in ("tune", "confirm"):
            (draft.folder / split).mkdir()
            pq.write_table(raw_rows().slice(0, 200), draft.folder / split / "part-0.parquet")
            pq.write_table(raw_rows().slice(200), draft.folder / split / "part-1.parquet")
        days = {"train": ["2025-12-31"], "tune": ["2026-01-01"], "confirm": ["2026-01-02"]}
        draft.seal(MadeBy("test", "0"), {}, {"days": days})
    return artifacts.open_artifact(place, "FeatureSet")


@pytest.fixture
def by_video() -> type[ByVideo]:
    return ByVideo


@pytest.fixture
def card() -> MakeCard:
    return make_card
