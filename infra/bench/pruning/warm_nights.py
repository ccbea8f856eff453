"""Nights of the short video scenario by its verbs, each going on from the one before."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from accept_night import keep
from bench.processes import VerbRunner
from secateur import scenario
from secateur.accepted import left_by_model
from secateur.artifacts import Artifact, open_artifact
from secateur.command import Job

SCENARIO = "short_video"
# The scenario's, but of three days: what a warm start reads must mean the same every night.
_COUNTED = 'freshness = "day", prior_rate = 0.31, window_days = 3'
COUNTERS = "features.counters=[{}]".format(
    ", ".join(
        f'{{keys = ["{key}"], owner = "{owner}", {_COUNTED}}}'
        for key, owner in (("user_id", "user"), ("video_id", "item"), ("author_id", "item"))
    )
)


@dataclass(frozen=True)
class WarmNights:
    """Nights with windows of so many days below a folder. What lies there is not made again."""

    folder: Path
    window_days: int

    def build_features(self, day: str) -> Artifact:
        """The FeatureSet of the night whose window ends with `day`."""
        runner, state = self._runner(day), {"state": "state"}
        events, features = {"events": f"{day}/events"}, f"{day}/features"
        report = {"validation": f"{day}/report"}
        runner.seal("clean_events", state, events["events"])
        runner.seal("validate_events", events, report["validation"])
        runner.seal("build_features", events | report | state, features)
        runner.seal("validate_features", {"features": features}, f"{day}/features_report")
        return open_artifact(str(self.folder / features), "FeatureSet")

    def train(self, day: str, state: str, output: str, settings: Sequence[str]) -> Artifact:
        """Train a night's dense model, and accept it at once: the next night may start from it."""
        inputs = {
            "features": f"{day}/features",
            "validation": f"{day}/features_report",
            "state": state,
        }
        self._runner(day, *settings).seal("train_model", inputs, output)
        bundle = open_artifact(str(self.folder / output), "ModelBundle")
        flags = {"state": str(self.folder / state), "output": ""}
        keep(Job("accept_night", scenario.load_scenario(SCENARIO), flags), left_by_model(bundle))
        return bundle

    def _runner(self, day: str, *settings: str) -> VerbRunner:
        window = (f"logs.window_days={self.window_days}", f"logs.last_day={day}", COUNTERS)
        return VerbRunner(SCENARIO, self.folder, (*window, *settings))
