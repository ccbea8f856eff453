"""The night's candidates as one table for a terminal.

    python -m secateur.report.table RUN        # the night's folder, file:// or s3://

Below 140 columns only what decides is kept: AUC, bytes, the larger request, the verdict.
"""

import argparse
from collections.abc import Callable
from typing import NamedTuple

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from secateur.contracts.judgement import BATCHES
from secateur.report import numbers
from secateur.report.candidates import Line, Measured, lines
from secateur.report.evidence import read_night
from secateur.report.story import headline

ROOMY = 140
STYLES = {
    "baseline": "blue",
    "accepted": "bold green",
    "passed": "green",
    "failed": "red",
    "unconfirmed": "bold red",
    "crashed": "yellow",
}


class Column(NamedTuple):
    """A heading, its cell of a measured line, and whether a narrow terminal keeps it."""

    heading: str
    cell: Callable[[Line, Measured, Measured], str]
    kept: bool


def night_table(run: str, width: int = 160) -> Table:
    """The dense model and every candidate of the night at `run`, `width` columns wide."""
    night = read_night(run)
    models = lines(night)
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
    for line in models:
        table.add_row(line.name, *_cells(columns, line, models[0].measured), _verdict(line))
    return table


def _columns() -> list[Column]:
    return [
        Column("AUC on tune days\nminus dense", _auc, True),
        Column("log-loss\nGAUC", lambda _, m, __: _two(_loss(m), _gauc(m)), False),
        Column("bytes\nsmaller", _bytes, True),
        Column("in\nmemory", lambda _, m, __: numbers.size(m.footprint.resident_bytes), False),
        *(
            Column(f"{batch} row{'s' * (batch > 1)}\np50, p99", _latency(batch), batch > 1)
            for batch in BATCHES
        ),
        Column("model alone\nuser each row", _model_alone, False),
    ]


def _cells(columns: list[Column], line: Line, dense: Measured | None) -> list[str]:
    if line.measured is None or dense is None:
        return [""] * len(columns)
    return [column.cell(line, line.measured, dense) for column in columns]


def _auc(line: Line, measured: Measured, _: Measured) -> str:
    auc = numbers.plain(measured.auc("tune"))
    if line.delta is None:
        return auc
    low, high = numbers.signed(line.delta.low), numbers.signed(line.delta.high)
    return _two(f"{auc}  {numbers.signed(line.delta.estimate)}", f"[{low}, {high}]")


def _loss(measured: Measured) -> str:
    return numbers.plain(measured.accuracy["tune"].log_loss)


def _gauc(measured: Measured) -> str:
    return numbers.plain(measured.accuracy["tune"].gauc)


def _bytes(_: Line, measured: Measured, dense: Measured) -> str:
    size, baseline = measured.footprint.package_bytes, dense.footprint.package_bytes
    return _two(numbers.size(size), numbers.ratio(baseline, size))


def _latency(batch: int) -> Callable[[Line, Measured, Measured], str]:
    def cell(_: Line, measured: Measured, __: Measured) -> str:
        one = measured.latency[batch]
        return _two(numbers.duration(one.request_p50), numbers.duration(one.request_p99))

    return cell


def _model_alone(_: Line, measured: Measured, __: Measured) -> str:
    """Medians of the larger batch: the user said once, and for every row."""
    one = measured.latency[max(BATCHES)]
    repeated = numbers.duration(one.repeated_p50) if one.repeated_p50 else ""
    return _two(numbers.duration(one.model_p50), repeated)


def _verdict(line: Line) -> Text:
    return Text.assemble(
        (line.said, STYLES.get(line.outcome, "")), "\n", numbers.typeset("; ".join(line.reasons))
    )


def _two(first: str, second: str) -> str:
    return f"{first}\n{second}"


if __name__ == "__main__":
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("run", metavar="RUN")
    console = Console()
    console.print(night_table(flags.parse_args().run, min(console.width, 160)))
