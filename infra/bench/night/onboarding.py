"""Real logs from raw file to dense model: what had to be edited, how long it took, what came of it.

    python -m bench onboarding DATA [--folder FOLDER]

DATA is a folder with the logs below it; those that are absent are skipped, and the page says so.
Each is drafted, checked and tried as `secateur try` does it, and nothing is edited by hand. Seconds
are of the wall; the load average tells how many processes shared the processor.
"""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bench.processes import ID_KEY, run
from bench.runner import Asked, Benchmark
from secateur.contracts import record
from secateur.contracts.artifact_files import BASELINES
from secateur.contracts.models import Baselines
from secateur.scenario.drafting.scenario_draft import make_draft

LOGS = {
    "KuaiRand, one flat file": "kuairand_pure/log_standard_4_25_to_5_08_pure.csv.zst",
    "Online Retail": "online_retail/online_retail.csv.zst",
    "MIND, 5,000 impressions": "mind_small_sample/behaviors.tsv.zst",
    "Criteo, 10,000 rows": "ctr_formats/criteo_10k.tsv.zst",
    "Avazu, 8,999 rows": "ctr_formats/avazu_9k.csv.zst",
}
HEAD = "| log | rows | drafted in | tried in | dense AUC | baselines | edits |"
_DONE = re.compile(r" done in ([0-9.]+) s$", re.MULTILINE)


@dataclass(frozen=True)
class Onboarded:
    """What one log took, and what its model came to."""

    rows: int
    draft_s: float
    try_s: float
    found: Baselines
    decisions: tuple[str, ...]


def figures(asked: Asked) -> Iterator[str]:
    """A row a log, then what a night would need besides."""
    yield f"Load average of the last quarter of an hour: {os.getloadavg()[2]:.0f}\n"
    yield HEAD
    yield "|---|---|---|---|---|---|---|"
    open_questions = []
    for name, place in LOGS.items():
        log = asked.data / place
        if not log.is_file():
            yield f"| {name} | not on this machine | | | | | |"
            continue
        one = onboard(log, asked.folder / log.name.partition(".")[0])
        yield row_of(name, one)
        open_questions += [f"- {name}: {decision}" for decision in one.decisions]
    yield ""
    yield "No file was edited by hand. What a night of one's own would need to know besides:\n"
    yield from open_questions or ["- nothing"]


def onboard(log: Path, folder: Path) -> Onboarded:
    """Draft a log and try it, in a folder that may hold an earlier trial.

    The verbs themselves say how long they took.
    """
    started = time.monotonic()
    draft = make_draft(log)
    draft_s = time.monotonic() - started
    file = folder / "dense" / BASELINES
    if not file.is_file():
        command = [sys.executable, "-m", "secateur.client", "try", str(log), f"--output={folder}"]
        run(f"try {log.name}", command, ID_KEY)
    said = "".join(path.read_text() for path in sorted((folder / "logs").iterdir()))
    try_s = sum(map(float, _DONE.findall(said)))
    found = record.from_json(Baselines, file.read_bytes())
    return Onboarded(draft.survey.rows, draft_s, try_s, found, draft.decide)


def row_of(name: str, one: Onboarded) -> str:
    """A line of the table; an AUC that a baseline is above is said to be so."""
    dense = "-" if one.found.dense_auc is None else f"{one.found.dense_auc:.4f}"
    if one.found.better_than_dense:
        dense += " (below a baseline)"
    rules = ", ".join(f"{rule.name} {rule.auc:.4f}" for rule in one.found.baselines)
    return (
        f"| {name} | {one.rows:,} | {one.draft_s:.0f} s | {one.try_s:.0f} s "
        f"| {dense} | {rules} | none |"
    )


def _flags(flags: argparse.ArgumentParser) -> None:
    flags.add_argument("data", type=Path, help="the folder that the logs lie in")


BENCHMARK = Benchmark(
    title="From a raw log to a dense model, in one command",
    figures=figures,
    page=lambda _asked: "onboarding",
    add_flags=_flags,
)
