"""One self-contained HTML page of a night: no network, no script, light and dark, printable."""

from collections import Counter
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from secateur.contracts.data import Expectation, ValidationReport
from secateur.contracts.judgement import BATCHES, SLICES
from secateur.report import numbers, story
from secateur.report.candidates import Line, lines
from secateur.report.charts import charts, forest
from secateur.report.evidence import Night, Part
from secateur.report.trials import hunts

TEMPLATES = Path(__file__).parent / "templates"


def render(night: Night, title: str) -> str:
    """The page's HTML; the same night gives the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "signed": numbers.signed,
        "plain": numbers.plain,
        "count": numbers.count,
        "size": numbers.size,
        "duration": numbers.duration,
        "percent": numbers.percent,
        "breakable": breakable,
        "typeset": numbers.typeset,
    }
    return environment.get_template("page.html.j2").render(context(night, title))


def context(night: Night, title: str) -> dict[str, Any]:
    """Everything the template speaks of."""
    models = lines(night)
    return {
        "title": title,
        "night": night,
        "headline": story.headline(night),
        "figures": story.figures(night, models),
        "stages": story.stages(night),
        "lines": models,
        "forests": forests(night, models),
        "ratio": numbers.ratio,
        "durations": numbers.durations,
        "batches": BATCHES,
        "trade_offs": charts.trade_offs(night, models),
        "training": charts.training(night),
        "data": charts.data(night),
        "files": largest_files(models),
        "slices": slice_table(models),
        "reports": reports(night),
        "hunts": hunts(night.search.value) if night.search else [],
        "sources": sorted(night.artifacts.items()),
    }


def breakable(name: str) -> Markup:
    """Let a long name break after its underscores."""
    return Markup("_<wbr>").join(name.split("_"))


def forests(night: Night, models: list[Line]) -> dict[str, Markup]:
    """The judged difference of each candidate as a small picture, one scale for all."""
    deltas = [line.delta for line in models if line.delta]
    if night.verdict is None or not deltas:
        return {}
    margin = night.verdict.value.margin
    x = forest.scale(deltas, margin)
    return {line.name: forest.cell(line.delta, x, margin, line.outcome) for line in models[1:]}


def slice_table(models: list[Line]) -> list[dict[str, Any]]:
    """For each slice of the tune days, ours and then the scenario's own: dense, and every measured
    candidate's difference.
    """
    measured = [line.measured for line in models if line.measured]
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


def largest_files(models: list[Line]) -> list[str]:
    """The three files that hold most bytes of all packages."""
    totals: Counter[str] = Counter()
    for line in models:
        totals.update(line.measured.footprint.file_bytes if line.measured else {})
    return [name for name, _ in totals.most_common(3)]


def reports(night: Night) -> list[tuple[str, Part[ValidationReport], list[Expectation]]]:
    """The sealed validation reports with their expectations, broken ones first."""
    named = (("events", night.events_report), ("features", night.features_report))
    return [
        (name, report, sorted(report.value.expectations, key=lambda rule: rule.success))
        for name, report in named
        if report
    ]
