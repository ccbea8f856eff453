"""The rival makes the very features that ours are compared with, and memory is seen whole."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from bench import processes
from bench.data.planted import World
from bench.data.synthetic import write
from bench.night import polars_features
from bench.night.data_verbs import rows_that_differ
from secateur import scenario
from small_log import receipt, run_verb, sealed

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MIB = 1 << 20


@pytest.fixture(scope="module")
def run(spark: "SparkSession", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ours and the rival's features of one small synthetic log, in `features` and `rival`."""
    folder = tmp_path_factory.mktemp("bench")
    write(spark, World(rows=6000, days=6, dirt=0.05), folder / "log")
    made = scenario.load_scenario(str(folder / "log" / "synthetic.toml"))
    run_verb("clean_events", made, output=folder / "events")
    report = receipt(sealed(str(folder / "events")), folder / "validation")
    flags = {"events": folder / "events", "validation": report, "output": folder / "features"}
    run_verb("build_features", made, **flags)
    polars_features.encode(made, folder / "events", folder / "rival")
    return folder


def test_the_rival_makes_the_same_ids(run: Path) -> None:
    assert rows_that_differ(run / "log" / "synthetic.toml", run) == {}
    assert len(pl.read_parquet(run / "rival" / "train.parquet")) > 3000


@pytest.mark.parametrize("column", ["user_id", "price", "item_id_6d_rate"])
def test_one_id_that_differs_is_seen(run: Path, tmp_path: Path, column: str) -> None:
    for name in ("features", "rival"):
        (tmp_path / name).symlink_to(run / name)
    rival = tmp_path / "rival"
    rival.unlink()
    rival.mkdir()
    for file in (run / "rival").iterdir():
        table = pl.read_parquet(file)
        if file.stem == "tune":
            first = pl.int_range(pl.len()) == 0
            table = table.with_columns(pl.col(column) + first.cast(pl.Int32))
        table.write_parquet(rival / file.name)
    assert rows_that_differ(run / "log" / "synthetic.toml", tmp_path) == {"tune": 1}


def test_a_counter_that_the_rival_does_not_know_is_refused(run: Path) -> None:
    pair = 'features.counters=[{ keys = ["user_id", "tab"], owner = "user", prior_rate = 0.1 }]'
    made = scenario.load_scenario(str(run / "log" / "synthetic.toml"), (pair,))
    with pytest.raises(ValueError, match="daily counters of one key only"):
        polars_features.encode(made, run / "events", run / "unused")


def test_memory_is_that_of_all_processes_of_the_session() -> None:
    hold = "x = b'1' * (150 << 20)"
    script = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', \"{hold}; input()\"],"
        " stdin=subprocess.PIPE, process_group=0)\n"
        f"{hold}; time.sleep(2); child.communicate(b'\\n')"
    )
    found = processes.run("two processes", [sys.executable, "-c", script])
    assert 300 * MIB < found.peak_bytes < 450 * MIB
    assert 2 < found.seconds < 60


def test_a_process_that_fails_ends_the_bench() -> None:
    with pytest.raises(SystemExit, match="it ended with 3"):
        processes.run("it", [sys.executable, "-c", "raise SystemExit(3)"])
