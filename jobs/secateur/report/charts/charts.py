"""The page's pictures, each with the artifacts that its figures come from."""

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from secateur.contracts.judgement import BATCHES
from secateur.report import numbers
from secateur.report.candidates import Line, Measured
from secateur.report.charts import bars, curves
from secateur.report.charts.scatter import Point, scatter
from secateur.report.evidence import Night

TWO_SIDED_95 = 1.96


@dataclass(frozen=True)
class Chart:
    """A picture with its caption and sources."""

    title: str
    picture: Markup
    note: str
    sources: tuple[str, ...]


def trade_offs(night: Night, lines: list[Line]) -> list[Chart]:
    """AUC on the tune days against bytes, and against the time of a request."""
    batch = max(BATCHES)
    charts = (
        ("AUC against package bytes", numbers.size, lambda m: m.footprint.package_bytes),
        (
            f"AUC against request latency, {batch} rows, p50",
            numbers.duration,
            lambda m: m.latency[batch].request_p50,
        ),
    )
    if lines[0].measured is None:
        return []
    return [_trade_off(night, lines, title, show, cost) for title, show, cost in charts]


def _trade_off(
    night: Night,
    lines: list[Line],
    title: str,
    show: Callable[[float], str],
    cost: Callable[[Measured], float],
) -> Chart:
    points = [point for line in lines if (point := _point(line, cost))]
    dense = lines[0].measured.auc("tune") if lines[0].measured else None
    verdict = night.verdict
    gate = dense - verdict.value.margin if verdict and dense is not None else None
    note = (
        "Tune days, logarithmic cost. Bars: the bounds that were judged. Stepped line: the models "
        "that no other beats in both."
    )
    return Chart(title, scatter(points, gate, show, title), note, _sources(night, lines))


def _point(line: Line, cost: Callable[[Measured], float]) -> Point | None:
    auc = line.measured.auc("tune") if line.measured else None
    if line.measured is None or auc is None:
        return None
    low = high = auc
    if line.delta:
        low, high = (
            auc - line.delta.estimate + bound for bound in (line.delta.low, line.delta.high)
        )
    elif "tune" in line.measured.differences:
        reach = TWO_SIDED_95 * line.measured.differences["tune"].standard_error
        low, high = auc - reach, auc + reach
    return Point(line.name, cost(line.measured), auc, low, high, line.outcome)


def training(night: Night) -> list[Chart]:
    """AUC and loss of the dense model while it trained."""
    if night.curve is None or not night.curve.value.evaluations:
        return []
    curve, sources = night.curve.value, (night.curve.source,)
    kept = curve.evaluations[curve.best]
    found = f"AUC {kept.holdout_auc:.4f}, loss {kept.holdout_loss:.4f}"
    note = f"Kept after {kept.samples:,} rows: {found}."
    return [
        Chart("Holdout AUC while training", curves.auc_curve(curve), note, sources),
        Chart("Log-loss while training", curves.loss_curve(curve), "By rows trained on.", sources),
    ]


def data(night: Night) -> list[Chart]:
    """Rows a day, and why rows were quarantined."""
    if night.events is None:
        return []
    counts, sources = night.events.value, (night.events.source,)
    features = night.artifacts.get("features")
    split_days = features.facts.get("days", {}) if features else {}
    roles = {day: split for split, days in split_days.items() for day in days}
    charts = []
    if counts.days:
        picture = bars.day_bars(counts.days, roles)
        used = (*sources, f"features {features.digest[:10]}") if roles and features else sources
        charts.append(Chart("Rows kept a day", picture, "By the day that the log names.", used))
    if counts.reasons:
        picture = bars.count_bars(counts.reasons, "Quarantined rows by reason")
        note = "A row may have several reasons."
        charts.append(Chart("Quarantined rows by reason", picture, note, sources))
    return charts


def _sources(night: Night, lines: list[Line]) -> tuple[str, ...]:
    verdict = (night.verdict.source,) if night.verdict else ()
    return (*verdict, *(line.source for line in lines[1:] if line.source))
