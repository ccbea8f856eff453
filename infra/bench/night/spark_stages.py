"""Where a Spark process spent its time, by the event log that Spark writes of it."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_CONFIGURATION = """\
spark.eventLog.enabled true
spark.eventLog.dir {folder}
spark.eventLog.compress false
spark.eventLog.rolling.enabled false
"""


@dataclass(frozen=True)
class TimeShares:
    """Seconds: of stages that Arrow's workers did, of Spark's own, and of all else."""

    workers: float
    spark: float
    rest: float


def event_log_settings(folder: Path) -> dict[str, str]:
    """The environment in which a process's Spark writes its log below `folder`."""
    folder.mkdir(parents=True)
    defaults = _CONFIGURATION.format(folder=folder.absolute().as_uri())
    (folder / "spark-defaults.conf").write_text(defaults)
    return {"SPARK_CONF_DIR": str(folder)}


def time_shares(folder: Path, seconds: float, work: str) -> TimeShares:
    """How a process that took `seconds` spent them; `work` names the call site of the workers.

    Stages that overlap share the time that they do.
    """
    (log,) = (file for file in folder.iterdir() if file.suffix != ".conf")
    events = map(json.loads, log.read_text().splitlines())
    stages = [e["Stage Info"] for e in events if e["Event"] == "SparkListenerStageCompleted"]
    of_workers = [stage for stage in stages if work in stage["Stage Name"]]
    every, workers = _seconds_covered(stages), _seconds_covered(of_workers)
    return TimeShares(workers, every - workers, seconds - every)


def _seconds_covered(stages: list[dict[str, Any]]) -> float:
    """Seconds in which at least one of them ran."""
    total, reached = 0, 0
    for stage in sorted(stages, key=lambda stage: stage["Submission Time"]):
        start, end = stage["Submission Time"], stage["Completion Time"]
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total / 1000
