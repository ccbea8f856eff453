"""A slow proof: a set ten times larger than the memory for its rows is trained on within it.

`make proof`. Training runs as a process, once on few rows and once on many; what the many add to
its peak is what the rows took.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.contracts.features import BucketField, FeatureSchema
from secateur.contracts.manifest import MadeBy
from secateur.model.data.streaming import row_bytes
from small_log import receipt

pytestmark = pytest.mark.proof

PROJECT = Path(__file__).parents[2]
FIELDS = 20
MEMORY_MB = 100
TIMES = 10
DAYS = ("2022-05-01", "2022-05-02", "2022-05-03", "2022-05-04", "2022-05-05")
SCHEMA = FeatureSchema(
    "large",
    "clicked",
    (),
    tuple(BucketField(f"f{n}", "context", tuple(map(float, range(1, 200)))) for n in range(FIELDS)),
    "0" * 16,
)
SETTINGS = ("architecture='lr'", "batch_size=8192", f"memory_mb={MEMORY_MB}", "learning_rate=0.01")


def features(folder: Path, rows: int) -> Artifact:
    """So many train rows on three days, and a thousand on each of two more, which are held out."""
    dice = np.random.default_rng(1)
    with artifacts.create(str(folder), "FeatureSet") as draft:
        draft.write("schema.json", SCHEMA)
        for part, day in enumerate(DAYS):
            n = rows // 3 if part < 3 else 1000
            split = "tune" if day == DAYS[-1] else "train"
            ids = {f.name: dice.integers(0, f.size, n, np.int32) for f in SCHEMA.fields}
            label = (ids["f0"] + dice.integers(0, 200, n) > 200).astype(np.int8)
            of_event = {"day": pa.repeat(day, n), "time_ms": np.arange(n)}
            items = ids["f1"].astype(str)
            table = pa.table(
                {**ids, "label": label, "item_key": items, "user_hash": items, **of_event}
            )
            file = draft.folder / split / f"part-{part:05d}.parquet"
            file.parent.mkdir(exist_ok=True)
            pq.write_table(table, file, row_group_size=50_000)
        draft.seal(MadeBy("test", "0"), {}, {})
    return artifacts.open_artifact(str(folder), "FeatureSet")


def peak_mb(subject: Artifact, folder: Path) -> float:
    """Train on it in a process of its own; the most that was resident of that."""
    flags = {
        "scenario": "short_video",
        "features": subject.uri,
        "validation": receipt(subject, folder / "report"),
        "output": folder / "dense",
    }
    command = [sys.executable, str(PROJECT / "jobs" / "train_model.py")]
    command += [text for name, value in flags.items() for text in (f"--{name}", str(value))]
    command += [text for one in SETTINGS for text in ("--set", f"training.{one}")]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT / "jobs")}
    highest = 0.0
    with subprocess.Popen(command, env=environment) as process:
        while process.poll() is None:
            highest = max(highest, high_water_mb(process.pid))
            time.sleep(0.05)
    assert process.returncode == 0
    return highest


def high_water_mb(pid: int) -> float:
    """By /proc, since what `wait4` tells has the size of the process that started it in it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:  # it has just ended
        return 0.0
    found = re.search(r"VmHWM:\s*(\d+) kB", status)
    return int(found[1]) / 1000 if found else 0.0


def test_ten_times_the_memory_is_trained_on_within_it(tmp_path: Path) -> None:
    large = int(TIMES * MEMORY_MB * 1e6 / row_bytes(SCHEMA))
    few = peak_mb(features(tmp_path / "small", large // 200), tmp_path / "few")
    many = peak_mb(features(tmp_path / "large", large), tmp_path / "many")
    assert many - few < 1.5 * MEMORY_MB  # what decodes a row group is beside the rows
    curve = artifacts.open_artifact(str(tmp_path / "many" / "dense"), "ModelBundle")
    assert curve.manifest.facts["holdout_auc"] > 0.7
