"""The night's candidates as one table for a terminal.

    python -m secateur.report.table RUN        # the night's folder, file:// or s3://

Below 140 columns only what decides is kept: AUC, bytes, the larger request, the verdict.
"""

import argparse
import textwrap
from collections.abc import Callable
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from secateur.contracts.judgement import BATCHES
from secateur.report.model_rows import Measures, ModelRow, model_rows
from secateur.report.night_artifacts import read_night
from secateur.report.number_format import (
    byte_size,
    decimal,
    duration,
    signed_delta,
    times_smaller,
    with_true_signs,
)
from secateur.report.story import headline

ROOMY = 140
LONGEST_REASON = 150  # characters; all of it stands on the page and in the judge's log
STYLES = {
    "baseline": "blue",
    "accepted": "bold green",
    "passed": "green",
    "failed": "red",
    "inconclusive": "yellow",
    "unconfirmed": "bold red",
    "refused": "yellow",
    "crashed": "yellow",
}


class TableColumn(NamedTuple):
    """A heading, its cell for a row with the row's and the dense model's measures, and whether a
    narrow terminal keeps it.
    """

    heading: str
    cell: Callable[[ModelRow, Measures, Measures], str]
    kept: bool


def night_table(run: str, width: int = 160) -> Table:
    """The dense model and every candidate of the night at `run`, `width` columns wide."""
    night = read_night(run)
    rows = model_rows(night)
    columns = [column for column in _columns() if column.kept or width >= ROOMY]
    table = Table(
        title=headline(night).sentence,
        title_justify="left",
        title_style="bold",
        box=box.SIMPLE_HEAD,
        width=width,
        show_lines=True,
        pad_edge=False,
    )
    table.add_column("model", overflow="fold", max_width=22)
    for column in columns:
        table.add_column(column.heading, justify="right", no_wrap=True)
    table.add_column("verdict and reason", ratio=1, min_width=28)
    dense = rows[0].measures
    for row in rows:
        cells = [""] * len(columns)
        if row.measures and dense:
            cells = [column.cell(row, row.measures, dense) for column in columns]
        outcome = row.outcome_words, STYLES.get(row.outcome, "")
        said = with_true_signs("; ".join(row.reasons))
        reasons = textwrap.shorten(said, LONGEST_REASON, placeholder=" ...")
        table.add_row(row.name, *cells, Text.assemble(outcome, "\n", reasons))
    return table


def _columns() -> list[TableColumn]:
    return [
        TableColumn("AUC on tune days\nminus dense", _auc, True),
        TableColumn("log-loss\nGAUC", _loss_and_gauc, False),
        TableColumn("bytes\nsmaller", _bytes, True),
        TableColumn("in\nmemory", lambda _, m, __: byte_size(m.footprint.resident_bytes), False),
        *(
            TableColumn(f"{batch} row{'s' * (batch > 1)}\np50, p99", _latency(batch), batch > 1)
            for batch in BATCHES
        ),
        TableColumn("model alone\nuser each row", _model_alone, False),
    ]


def _auc(row: ModelRow, measures: Measures, _: Measures) -> str:
    auc = decimal(measures.auc("tune"))
    if row.delta is None:
        return auc
    low, high = signed_delta(row.delta.low), signed_delta(row.delta.high)
    return f"{auc}  {signed_delta(row.delta.estimate)}\n[{low}, {high}]"


def _loss_and_gauc(_: ModelRow, measures: Measures, __: Measures) -> str:
    tune = measures.accuracy["tune"]
    return f"{decimal(tune.log_loss)}\n{decimal(tune.gauc)}"


def _bytes(_: ModelRow, measures: Measures, dense: Measures) -> str:
    ours, baseline = measures.footprint.package_bytes, dense.footprint.package_bytes
    return f"{byte_size(ours)}\n{times_smaller(baseline, ours)}"


def _latency(batch: int) -> Callable[[ModelRow, Measures, Measures], str]:
    def cell(_: ModelRow, measures: Measures, __: Measures) -> str:
        one = measures.latency[batch]
        p50, p99 = map(duration, (one.request_p50, one.request_p99))
        return f"{p50}\n{p99}"

    return cell


def _model_alone(_: ModelRow, measures: Measures, __: Measures) -> str:
    """Medians of the larger batch: the user given once, and for every row."""
    one = measures.latency[max(BATCHES)]
    repeated = duration(one.repeated_p50) if one.repeated_p50 else ""
    return f"{duration(one.model_p50)}\n{repeated}"


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("run", metavar="RUN")
    console = Console()
    console.print(night_table(flags.parse_args().run, min(console.width, 160)))
