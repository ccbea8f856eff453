"""The verbs of one small night in the DAG's order, as commands."""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT = Path(__file__).parents[2]
FORM = '--form={"again": true}'
MARGIN = "--set=judgement.margin=0.05"


@dataclass(frozen=True)
class Step:
    """One verb of a night.

    `repeatable`: its output is the same bytes at every run, else it holds times or signatures.
    """

    verb: str
    inputs: Mapping[str, str]
    output: str
    flags: Sequence[str] = ()
    repeatable: bool = True

    @property
    def sealed(self) -> list[str]:
        """Where its artifacts lie."""
        parts = ("/bundle", "/package") if self.verb == "prune_model" else ("",)
        return [f"{self.output}{part}" for part in parts]

    def command(self, scenario: Path, night: Path) -> list[str]:
        """The command line; inputs and output lie below the folder of the night."""
        script = PROJECT / "jobs" / f"{self.verb}.py"
        inputs = [f"--{flag}={night / place}" for flag, place in self.inputs.items()]
        output = f"--output={night / self.output}"
        start = [sys.executable, str(script), f"--scenario={scenario}"]
        return [*start, *inputs, *self.flags, output]


def steps_of(candidate: str) -> list[Step]:
    """A whole night with one candidate; it ends in two releases, and is accepted."""
    return [
        Step("check_run", {"state": "state", "run": "."}, "window", (FORM,)),
        *_from_log_to_models(candidate),
        *_from_models_to_releases(candidate),
    ]


def _from_log_to_models(candidate: str) -> list[Step]:
    state, events = {"state": "state"}, {"events": "events"}
    validated = {**state, **events, "validation": "events_report"}
    trained_on = {**state, "features": "features", "validation": "features_report"}
    seen = {"dense": "dense", "features": "features"}
    pruned = {**seen, **state, "plan": "plan"}
    return [
        Step("clean_events", state, "events"),
        Step("validate_events", {**state, **events}, "events_report"),
        Step("build_features", validated, "features"),
        Step("validate_features", {"features": "features"}, "features_report"),
        Step("build_snapshot", validated, "snapshot"),
        Step("train_model", {**trained_on, "checkpoints": "checkpoints"}, "dense"),
        Step("plan_candidates", seen, "plan"),
        *(
            Step("prune_model", pruned, f"candidates/{name}", (f"--recipe={name}",))
            for name in ("dense", candidate)
        ),
    ]


def _from_models_to_releases(candidate: str) -> list[Step]:
    seen, state, store = {"features": "features"}, {"state": "state"}, {"store": "store"}
    package, dense = f"candidates/{candidate}/package", "candidates/dense/package"
    measured = {**seen, "package": package, "dense-package": dense}
    judged = {**state, "plan": "plan", "scorecards": "scorecards", "candidates": "candidates"}
    evidence = {"verdict": "verdict", "events-report": "events_report", "candidates": "candidates"}
    told = {**store, "snapshot": "snapshot", "validation": "events_report"}
    model = {**state, **seen, "dense": "dense"}
    return [
        _with_times("evaluate_package", measured, f"scorecards/{candidate}"),
        _with_times("judge_candidates", {**judged, "dense": "dense"}, "verdict", MARGIN),
        _with_times("publish_release", {**store, **evidence}, "release"),
        _with_times("publish_snapshot", told, "snapshot_release"),
        _with_times("renew_channel", store, "renewal"),
        _with_times("accept_night", {**model, **evidence}, "accepted"),
        _with_times("report_night", {**state, "run": "."}, "report"),
    ]


def _with_times(verb: str, inputs: Mapping[str, str], output: str, *flags: str) -> Step:
    return Step(verb, inputs, output, flags, repeatable=False)
