"""One self-contained HTML page of a night: no network, no script, light and dark, printable."""

from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from secateur.contracts.data import Expectation, ValidationReport
from secateur.contracts.judgement import BATCHES, SLICES
from secateur.report import number_format, story
from secateur.report.charts import charts, forest
from secateur.report.metric_tests import tables_of_tests
from secateur.report.model_rows import ModelRow, model_rows
from secateur.report.night_artifacts import Night, Part
from secateur.report.search_summary import searches_by_target

TEMPLATES = Path(__file__).parent / "templates"


def render(night: Night, title: str) -> str:
    """The page's HTML; the same night gives the same bytes."""
    return page_environment().get_template("page.html.j2").render(context(night, title))


def page_environment() -> Environment:
    """What the templates are rendered with."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "difference": number_format.signed_delta,
        "decimal": number_format.decimal,
        "count": number_format.count,
        "size": number_format.byte_size,
        "duration": number_format.duration,
        "clock_time": number_format.clock_time,
        "percent": number_format.percent,
        # A long name may break after its underscores.
        "breakable": lambda name: Markup("_<wbr>").join(name.split("_")),
        "with_true_signs": number_format.with_true_signs,
        "sentence_case": lambda words: words[:1].upper() + words[1:],
    }
    return environment


def context(night: Night, title: str) -> dict[str, Any]:
    """Everything that the templates name."""
    rows = model_rows(night)
    return {
        "title": title,
        "night": night,
        "headline": story.headline(night),
        "figures": story.figures(night, rows),
        "stages": story.stages(night),
        "rows": rows,
        "forests": forests(night, rows),
        "times_smaller": number_format.times_smaller,
        "duration_pair": number_format.duration_pair,
        "batches": BATCHES,
        "load": heaviest_load(night),
        "trade_offs": charts.trade_offs(night, rows),
        "training": charts.training_curves(night),
        "data": charts.event_counts(night),
        "files": largest_files(rows),
        "slices": slice_table(rows),
        "tests": tables_of_tests(rows, night.verdict.value if night.verdict else None),
        "reports": reports(night),
        "searches": searches_by_target(night.search.value) if night.search else [],
        "sources": sorted(night.artifacts.items()),
    }


def heaviest_load(night: Night) -> float | None:
    """The largest share of the machine that others used while a package was timed."""
    loads = [card.value.load for card in night.scorecards.values()]
    return max((load for load in loads if load is not None), default=None)


def forests(night: Night, rows: list[ModelRow]) -> dict[str, Markup]:
    """By candidate, its judged difference as a small picture; all have one scale."""
    deltas = [row.delta for row in rows if row.delta]
    if night.verdict is None or not deltas:
        return {}
    margin = night.verdict.value.margin
    x = forest.common_scale(deltas, margin)
    return {row.name: forest.cell(row.delta, x, margin, row.outcome) for row in rows[1:]}


def slice_table(rows: list[ModelRow]) -> list[dict[str, Any]]:
    """For each slice of the tune days: dense accuracy, and every measured candidate's difference.

    The built-in slices come first, then the scenario's own.
    """
    measured = [row.measures for row in rows if row.measures]
    if not measured:
        return []
    dense, *candidates = measured
    known = [f"tune/{one.name}" for one in SLICES]
    own = sorted(key for key in dense.accuracy if key.startswith("tune/") and key not in known)
    return [
        {
            "name": key.removeprefix("tune/") if key != "tune" else "all rows",
            "dense": dense.accuracy[key],
            "deltas": [one.differences.get(key) for one in candidates],
        }
        for key in ("tune", *known, *own)
        if key in dense.accuracy
    ]


def largest_files(rows: list[ModelRow]) -> list[str]:
    """The three files that have most bytes, over all packages."""
    totals: Counter[str] = Counter()
    for row in rows:
        totals.update(row.measures.footprint.file_bytes if row.measures else {})
    return [name for name, _ in totals.most_common(3)]


def reports(night: Night) -> list[tuple[str, Part[ValidationReport], list[Expectation]]]:
    """The sealed validation reports with their expectations, broken ones first."""
    named = (("events", night.events_report), ("features", night.features_report))
    return [
        (name, report, sorted(report.value.expectations, key=lambda rule: rule.success))
        for name, report in named
        if report
    ]
