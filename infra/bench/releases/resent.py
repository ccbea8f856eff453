"""What is sent and fetched again of the second of two releases: whole files, chunks, and deltas.

Counters of the bundled log over nine days, and over those a day later; then tables and counters of
many keys in which a share of the rows changed, as in an hour or a day of a larger site, and a tenth
as many are new. How it is counted stands in `second_release`.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.releases.changed_rows import ROWS, write_counters, write_floats
from bench.releases.log_counters import write_log_counters
from bench.releases.second_release import head, line
from bench.runner import Asked, Benchmark
from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.contracts.manifest import MadeBy

LIMITS = """
Chunks alone save little where changed rows lie all over a file: one row in a hundred of a table is
a row of every chunk. What is sent holds the chunks, which a new reader needs, and the delta. A warm
retrain of a real log is in [two_nights](two_nights.md)."""
SHARES = (0.0001, 0.001, 0.01, 0.1)
Write = Callable[[Path, int, float], None]


def add_flags(flags: argparse.ArgumentParser) -> None:
    """How many rows the larger tables have."""
    flags.add_argument("--rows", type=int, default=ROWS)


def figures(asked: Asked) -> Iterator[str]:
    """A line for each share of changed rows."""
    yield f"{asked.rows:,} keys, but for the log's; shares are of the second release's bytes.\n"
    yield from head()
    yield _one_change("the bundled log's counters, a day on", write_log_counters, asked, 1.0)
    for name, write in (("counters", write_counters), ("float32 table", write_floats)):
        for share in SHARES:
            yield _one_change(f"{name}, {share:.2%} of the rows", write, asked, share)
    yield LIMITS


def _one_change(name: str, write: Write, asked: Asked, changed: float) -> str:
    with TemporaryDirectory(dir=asked.folder) as scratch:
        made = [
            _seal(Path(scratch) / str(share), write, asked.rows, share) for share in (0.0, changed)
        ]
        return line(name, *made)


def _seal(folder: Path, write: Write, rows: int, changed: float) -> Artifact:
    with artifacts.create(str(folder), "Package") as draft:
        write(draft.folder, rows, changed)
        draft.seal(MadeBy("prune_model", "0"), {}, {})
    return artifacts.open_artifact(str(folder), "Package")


BENCHMARK = Benchmark(
    title="What is sent and fetched again",
    figures=figures,
    page=lambda _asked: "resent",
    add_flags=add_flags,
)
