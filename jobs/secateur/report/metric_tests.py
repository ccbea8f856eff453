"""Every test of the night as a picture: the interval of a difference against its margin.

A column is a metric, a slice or the release that is served; all its pictures have one scale.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from secateur.contracts.judgement import METRICS, MetricTest, Verdict
from secateur.report.charts import forest
from secateur.report.model_rows import ModelRow

LOWER_IS_BETTER = {metric.name for metric in METRICS if metric.better == "lower"}
Key = tuple[str, str, str]  # metric, slice, against


@dataclass(frozen=True)
class ColumnOfTests:
    """What a column tests, and its margin."""

    label: str
    margin: float


@dataclass(frozen=True)
class CellOfTests:
    """One test with its picture; of a metric that was not measured only its outcome."""

    test: MetricTest
    picture: Markup


@dataclass(frozen=True)
class RowOfTests:
    """One candidate's tests on one split, by column; None where it was not asked."""

    name: str
    outcome: str
    cells: tuple[CellOfTests | None, ...]


@dataclass(frozen=True)
class TableOfTests:
    """Candidates down, tests across."""

    columns: tuple[ColumnOfTests, ...]
    rows: tuple[RowOfTests, ...]


def tables_of_tests(rows: Sequence[ModelRow], verdict: Verdict | None) -> dict[str, TableOfTests]:
    """The tests of whole days and those of slices, where there are any.

    The chosen candidate has a second row: what the confirm days said.
    """
    named = [(row.name, row.outcome, row.tests) for row in rows if row.tests]
    if verdict and verdict.tests:
        outcome = "accepted" if verdict.accepted else "unconfirmed"
        named.append((f"{verdict.chosen}, confirm days", outcome, verdict.tests))
    found = {
        "whole": [(n, o, [t for t in tests if "/" not in t.split]) for n, o, tests in named],
        "slices": [(n, o, [t for t in tests if "/" in t.split]) for n, o, tests in named],
    }
    return {kind: _table(of_kind) for kind, of_kind in found.items() if any(t for *_, t in of_kind)}


def _table(named: Sequence[tuple[str, str, Sequence[MetricTest]]]) -> TableOfTests:
    by_column: dict[Key, list[MetricTest]] = {}
    for _, _, tests in named:
        for test in tests:
            by_column.setdefault(column_of(test), []).append(test)
    cells = [
        RowOfTests(name, outcome, tuple(_cells(tests, by_column))) for name, outcome, tests in named
    ]
    columns = (
        ColumnOfTests(column_label(key), tests[0].margin) for key, tests in by_column.items()
    )
    return TableOfTests(tuple(columns), tuple(cells))


def _cells(
    tests: Sequence[MetricTest], by_column: dict[Key, list[MetricTest]]
) -> Iterator[CellOfTests | None]:
    of_row = {column_of(test): test for test in tests}
    for key, column in by_column.items():
        test = of_row.get(key)
        deltas = [one.delta for one in column if one.delta]
        if test is None:
            yield None
            continue
        # The picture's gate lies at -margin; what is better when lower has it above 0.
        margin = -test.margin if test.metric in LOWER_IS_BETTER else test.margin
        picture = Markup("")
        if deltas:
            x = forest.common_scale(deltas, margin)
            picture = forest.cell(test.delta, x, margin, test.outcome)
        yield CellOfTests(test, picture)


def column_of(test: MetricTest) -> Key:
    """What tells a test from others of its night."""
    return test.metric, test.split.partition("/")[2], test.against


def column_label(key: Key) -> str:
    """The same in words."""
    metric, part, against = key
    words = part or metric.replace("_", " ").replace("auc", "AUC").replace("gAUC", "GAUC")
    return words if against == "dense" else f"{words} against {against}"
