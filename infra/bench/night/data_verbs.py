"""How fast the data verbs are, by the size of the log, beside polars on the same events.

Every log is generated once into `--folder` (see `bench.data.synthetic`). Each line is one process
with all that it starts, Java included. The features of polars are compared with ours, id by id, up
to as many rows as polars, which holds them all, has memory for. With `--rows 1_000_000 10_000_000
100_000_000` it takes about three quarters of an hour.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import polars as pl

from bench.night.spark_stages import event_log_settings, time_shares
from bench.processes import Cost, VerbRunner, run
from bench.runner import Asked, Benchmark
from secateur.contracts.features import SPLITS
from secateur.scenario import load_scenario

BOTH_HAVE = ("day", "time_ms", "user_hash", "label")
CORES = len(os.sched_getaffinity(0))
RIVAL_ROWS = 20_000_000
_BUILD, _RIVAL = "build_features", "polars: the same features"
_WORKERS = "features/days/arrow_days.py"  # where Spark's stages say that Arrow's workers did them


def add_flags(flags: argparse.ArgumentParser) -> None:
    """The sizes, and Java's memory."""
    flags.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    flags.add_argument("--memory", default="4g", help="of Java, as SECATEUR_SPARK_MEMORY")


def figures(asked: Asked) -> Iterator[str]:
    """A section a size."""
    os.environ["SECATEUR_SPARK_MEMORY"] = asked.memory
    yield f"polars {pl.__version__}. Each line is one process with all that it starts, from its"
    yield "start to its end. Peak memory adds up what is resident in all of them; a page that two"
    yield "share counts twice."
    for rows in asked.rows:
        yield from size_section(rows, asked.folder)


def size_section(rows: int, cache: Path) -> Iterator[str]:
    """The page's part on a log of this many rows."""
    log = generate(rows, cache)
    truth = json.loads((log / "truth.json").read_text())
    with tempfile.TemporaryDirectory(prefix="secateur-data-", dir=cache) as scratch:
        folder = Path(scratch)
        costs = {cost.name: cost for cost in run_chain(log / "synthetic.toml", folder, rows)}
        shares = time_shares(folder / f"{_BUILD} log", costs[_BUILD].seconds, _WORKERS)
        rival = list(rival_lines(costs, log / "synthetic.toml", folder)) if _RIVAL in costs else []
    yield f"\n## {truth['rows']:,} rows, {truth['events']:,} events\n"
    yield "| | seconds | rows/s | rows/s a core | peak MiB |\n|---|--:|--:|--:|--:|"
    for cost in costs.values():
        speed = truth["rows"] / cost.seconds
        yield (
            f"| {cost.name} | {cost.seconds:.1f} | {speed:,.0f} | {speed / CORES:,.0f} "
            f"| {cost.peak_bytes >> 20:,} |"
        )
    yield (
        f"\nOf build_features' {costs[_BUILD].seconds:.1f} s, Arrow's workers took "
        f"{shares.workers:.1f}, Spark's own stages {shares.spark:.1f}, and all else "
        f"{shares.rest:.1f}: starting Java and Python, planning, the driver's part, sealing."
    )
    yield from rival


def rival_lines(costs: Mapping[str, Cost], scenario: Path, folder: Path) -> Iterator[str]:
    """How our features compare with the rival's: speed, and rows that differ."""
    ratio = costs[_RIVAL].seconds / costs[_BUILD].seconds
    differing = rows_that_differ(scenario, folder)
    yield f"build_features makes {ratio:.2f} times the rows/s of polars. " + (
        "All ids are equal." if not differing else f"**Rows that differ by split: {differing}.**"
    )


def generate(rows: int, cache: Path) -> Path:
    """The folder of the log with this many rows, made where it is not there yet."""
    folder = cache / f"synthetic-{rows}"
    if not (folder / "truth.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        cache.mkdir(parents=True, exist_ok=True)
        flags = [f"--rows={rows}", f"--output={folder}"]
        run("synthetic", [sys.executable, "-m", "bench.data.synthetic", *flags])
    return folder


def run_chain(scenario: Path, folder: Path, rows: int) -> Iterator[Cost]:
    """Run the data verbs in their order, then polars on what they cleaned."""
    verbs = VerbRunner(str(scenario), folder)
    for verb, inputs, output in (
        ("clean_events", {}, "events"),
        ("validate_events", {"events": "events"}, "validation"),
        (_BUILD, {"events": "events", "validation": "validation"}, "features"),
    ):
        settings = event_log_settings(folder / f"{verb} log")
        yield verbs.run(verb, inputs, output, environment=settings)
    if rows <= RIVAL_ROWS:
        flags = [f"--scenario={scenario}", f"--events={folder / 'events'}"]
        command = [sys.executable, "-m", "bench.night.polars_features", *flags]
        yield run(_RIVAL, [*command, f"--output={folder / 'rival'}"])


def rows_that_differ(scenario: Path, run: Path) -> dict[str, int]:
    """Rows by split that ours and the rival's do not have in common; none where all are equal."""
    names = [*BOTH_HAVE, *(spec.name for spec in load_scenario(str(scenario)).features.inputs)]
    differing = {}
    for split in SPLITS:
        files = sorted((run / "features" / split).glob("part-*.parquet"))
        ours = pl.read_parquet(files, columns=names).select(names)
        theirs = pl.read_parquet(run / "rival" / f"{split}.parquet").select(names)
        theirs = theirs.cast(ours.schema)
        if not ours.sort(names).equals(theirs.sort(names)):
            differing[split] = count_unmatched(ours, theirs)
    return differing


def count_unmatched(one: pl.DataFrame, other: pl.DataFrame) -> int:
    """How many rows the two do not have in common."""
    names = one.columns
    alone = [
        a.join(b, on=names, how="anti", nulls_equal=True) for a, b in ((one, other), (other, one))
    ]
    return max(map(len, alone))


BENCHMARK = Benchmark(
    title="The data verbs by size of the log",
    figures=figures,
    page=lambda _asked: "data_verbs",
    add_flags=add_flags,
)
