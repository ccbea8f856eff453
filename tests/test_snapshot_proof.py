"""On the bundled log: a service that says ids and context alone scores as one that knows all."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from secateur import scenario
from secateur.artifacts import Artifact
from secateur.auc import auc
from secateur.contracts.features import VALUE_PREFIX
from secateur.serving.scorer import load
from secateur.snapshot.keyed_tables import StoredSnapshot
from small_log import run_verb, sealed

pytestmark = pytest.mark.proof

LAST, NEXT = "2022-05-07", "2022-05-08"
SPLIT = ("features.tune_days=1", "features.confirm_days=1", "validation.min_rows=1000")


class Night:
    """Verbs of one window of the bundled log, below a folder."""

    def __init__(self, folder: Path, last_day: str, days: int) -> None:
        window = (f"logs.last_day={last_day}", f"logs.window_days={days}")
        self.scenario = scenario.load_scenario("short_video", (*window, *SPLIT))
        self.folder = folder

    def run(self, verb: str, output: str, **flags: str) -> None:
        given = {
            name: str(self.folder / value) if name != "recipe" else value
            for name, value in flags.items()
        }
        run_verb(verb, self.scenario, **given, output=self.folder / output)

    def features(self) -> Artifact:
        self.run("clean_events", "events")
        self.run("validate_events", "events_report", events="events")
        self.run("build_features", "features", events="events", validation="events_report")
        return sealed(str(self.folder / "features"))


@pytest.fixture(scope="module")
def served(spark: object, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The dense package, and the snapshot, of a window that ends a day earlier."""
    night = Night(tmp_path_factory.mktemp("night"), LAST, 6)
    night.features()
    night.run("build_snapshot", "snapshot", events="events", validation="events_report")
    night.run("validate_features", "features_report", features="features")
    night.run("train_model", "dense", features="features", validation="features_report")
    night.run("plan_candidates", "plan", dense="dense", features="features")
    of_model = {"dense": "dense", "features": "features", "plan": "plan"}
    night.run("prune_model", "candidates", **of_model, recipe="dense")
    return night.folder / "candidates" / "package", night.folder / "snapshot"


@pytest.fixture(scope="module")
def next_day(spark: object, tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[object]]:
    """The rows of the day after, with all raw values that a night knows before each of them."""
    features = Night(tmp_path_factory.mktemp("next"), NEXT, 7).features()
    (part,) = sorted((features.folder / "confirm").glob("part-*.parquet"))
    return pq.read_table(part).to_pydict()  # type: ignore[no-any-return]


def videos_of(events: Path) -> list[str]:
    """The videos that had an event, by the sealed events themselves."""
    files = sorted(events.glob("events/*/part-*.parquet"))
    return sorted({v for file in files for v in pq.read_table(file)["video_id"].to_pylist() if v})


def test_the_next_day_scores_alike_by_all_values_and_by_the_snapshot(
    served: tuple[Path, Path], next_day: dict[str, list[object]]
) -> None:
    package, snapshot = served
    scorer = load(package)
    inputs = [field.name for field in scorer.schema.inputs]
    columns = {name: next_day[VALUE_PREFIX + name] for name in inputs}
    by_all = scorer.score(columns, hashed=True)
    scorer.use_snapshot(StoredSnapshot(snapshot))
    own = {"user_id", "video_id", "tab", "hourmin"}
    by_ids = scorer.score({name: columns[name] for name in own}, hashed=True)
    labels = np.array(next_day["label"], np.int8)
    aucs = [auc(labels, scores) for scores in (by_all, by_ids)]
    # How long a video lasts stands in the events alone: of a new one a service must say it.
    seen = np.isin(next_day[f"{VALUE_PREFIX}video_id"], videos_of(snapshot.parent / "events"))
    apart = np.abs(by_all - by_ids)
    print(  # noqa: T201
        f"{len(labels)} rows, {seen.sum()} of videos seen before: AUC {aucs[0]:.5f} by all values, "
        f"{aucs[1]:.5f} by ids; {np.mean(apart < 1e-6):.4%} alike"
    )
    assert len(labels) > 10_000
    assert aucs[0] > 0.65
    assert abs(aucs[0] - aucs[1]) < 0.001
    assert (apart[seen] < 1e-6).all()
    assert np.mean(seen) > 0.98
