"""How fast the data verbs are, by the size of the log, beside polars on the same events.

    PYTHONPATH=jobs python infra/bench/data.py [--rows 1_000_000 10_000_000] [--cache var/bench]
        [--memory 4g]

With `--rows 1_000_000 10_000_000 100_000_000` it takes about three quarters of an hour.

Every log is generated once into the cache (see `synthetic.py`). Writes `infra/bench/data.md`: for
each verb its seconds, rows a second, rows a second and core, and the peak memory of all of its
processes, Java's included. The features of polars are compared with ours, id by id, up to as many
rows as polars, which holds them all, has memory for.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from run import KEY, machine
from secateur.contracts.features import SPLITS
from secateur.scenario import load
from stages import logged, spent

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
ALIKE = ("day", "time_ms", "user", "label")
PAGE = HERE / "data.md"
CORES = len(os.sched_getaffinity(0))
PERIOD_S = 0.2
RIVAL_ROWS = 20_000_000
_BUILD, _RIVAL = "build_features", "polars: the same features"
_WORKERS = "features/days.py"  # where Spark's stages say that Arrow's workers did them


@dataclass(frozen=True)
class Cost:
    """One process with all its children: seconds of wall time, peak resident bytes."""

    name: str
    rows: int
    seconds: float
    peak_bytes: int


def main() -> None:
    """Measure, and write the page."""
    flags = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    flags.add_argument("--rows", type=int, nargs="+", default=[1_000_000, 10_000_000])
    flags.add_argument("--cache", type=Path, default=PROJECT / "var" / "bench")
    flags.add_argument("--memory", default="4g", help="of Java, as SECATEUR_SPARK_MEMORY")
    asked = flags.parse_args()
    os.environ["SECATEUR_SPARK_MEMORY"] = asked.memory
    page = "\n".join(line for rows in asked.rows for line in measured(rows, asked.cache))
    head = (
        "# The data verbs by size of the log\n\n"
        f"Command: `python infra/bench/data.py --rows {' '.join(map(str, asked.rows))} "
        f"--memory {asked.memory}`  \nMachine: {machine()}; polars {pl.__version__}\n\n"
        "Each line is one process with all that it starts, from its start to its end. Peak memory "
        "adds up\nwhat is resident in all of them; a page that two share counts twice.\n"
    )
    PAGE.write_text(head + page + "\n")
    sys.stdout.write(PAGE.read_text())


def measured(rows: int, cache: Path) -> Iterator[str]:
    """The page's part on a log of this many rows."""
    log = generated(rows, cache)
    truth = json.loads((log / "truth.json").read_text())
    with tempfile.TemporaryDirectory(prefix="secateur-data-", dir=cache) as scratch:
        run = Path(scratch)
        costs = {cost.name: cost for cost in chain(log / "synthetic.toml", run, truth["rows"])}
        shares = spent(run / f"{_BUILD} log", costs[_BUILD].seconds, _WORKERS)
        rival = list(beside(costs, log / "synthetic.toml", run)) if _RIVAL in costs else []
    yield f"\n## {truth['rows']:,} rows, {truth['events']:,} events\n"
    yield "| | seconds | rows/s | rows/s a core | peak MiB |\n|---|--:|--:|--:|--:|"
    for cost in costs.values():
        speed = cost.rows / cost.seconds
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


def beside(costs: Mapping[str, Cost], scenario: Path, run: Path) -> Iterator[str]:
    """How ours stands beside the rival."""
    ratio = costs[_RIVAL].seconds / costs[_BUILD].seconds
    differing = compare(scenario, run)
    yield f"build_features makes {ratio:.2f} times the rows/s of polars. " + (
        "All ids are equal." if not differing else f"**Rows that differ by split: {differing}.**"
    )


def generated(rows: int, cache: Path) -> Path:
    """The folder of the log with this many rows, made where it is not there yet."""
    folder = cache / f"synthetic-{rows}"
    if not (folder / "truth.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        command = ["synthetic.py", f"--rows={rows}", f"--output={folder}"]
        cost("synthetic.py", rows, [sys.executable, str(HERE / command[0]), *command[1:]])
    return folder


def chain(scenario: Path, run: Path, rows: int) -> Iterator[Cost]:
    """Run the data verbs in their order, then polars on what they cleaned."""
    for verb, inputs, output in (
        ("clean_events", (), "events"),
        ("validate_events", ("events",), "validation"),
        (_BUILD, ("events", "validation"), "features"),
    ):
        flags = [f"--{name}={run / name}" for name in inputs]
        script = str(PROJECT / "jobs" / f"{verb}.py")
        flags += [f"--scenario={scenario}", f"--output={run / output}"]
        command = [sys.executable, script, *flags]
        yield cost(verb, rows, command, logged(run / f"{verb} log"))
    if rows > RIVAL_ROWS:
        return
    flags = [f"--scenario={scenario}", f"--events={run / 'events'}", f"--output={run / 'rival'}"]
    yield cost(_RIVAL, rows, [sys.executable, str(HERE / "polars_features.py"), *flags])


def cost(
    name: str, rows: int, command: Sequence[str], environment: Mapping[str, str] | None = None
) -> Cost:
    """Run a process in a session of its own and watch the memory of that session."""
    started, peak = time.monotonic(), 0
    whole = {**os.environ, **KEY, "PYTHONPATH": str(PROJECT / "jobs"), **(environment or {})}
    with subprocess.Popen(command, env=whole, start_new_session=True) as process:
        while process.poll() is None:
            peak = max(peak, resident_bytes(process.pid))
            time.sleep(PERIOD_S)
    if process.returncode:
        raise SystemExit(f"{name} ended with {process.returncode}")
    return Cost(name, rows, time.monotonic() - started, peak)


def resident_bytes(session: int) -> int:
    """Resident memory of all processes of a session, by /proc/PID/stat (see proc(5))."""
    pages = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            after_name = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has just ended
            continue
        if int(after_name[3]) == session:
            pages += int(after_name[21])
    return pages * os.sysconf("SC_PAGE_SIZE")


def compare(scenario: Path, run: Path) -> dict[str, int]:
    """Rows by split that ours and the rival's do not have in common; none where all are equal."""
    names = [*ALIKE, *(spec.name for spec in load(str(scenario)).features.inputs)]
    differing = {}
    for split in SPLITS:
        files = sorted((run / "features" / split).glob("part-*.parquet"))
        ours = pl.read_parquet(files, columns=names).select(names)
        theirs = pl.read_parquet(run / "rival" / f"{split}.parquet").select(names)
        theirs = theirs.cast(ours.schema)
        if not ours.sort(names).equals(theirs.sort(names)):
            differing[split] = unlike(ours, theirs)
    return differing


def unlike(one: pl.DataFrame, other: pl.DataFrame) -> int:
    """How many rows the two do not have in common."""
    names = one.columns
    alone = [
        a.join(b, on=names, how="anti", nulls_equal=True) for a, b in ((one, other), (other, one))
    ]
    return max(map(len, alone))


if __name__ == "__main__":
    main()
