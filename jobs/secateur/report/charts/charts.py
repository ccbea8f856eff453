"""The charts of the page, each with the artifacts that its figures come from."""

from collections.abc import Callable
from dataclasses import dataclass

from markupsafe import Markup

from secateur.contracts.judgement import BATCHES
from secateur.report import number_format
from secateur.report.charts import bars, curves
from secateur.report.charts.scatter import Point, scatter
from secateur.report.model_rows import Measures, ModelRow
from secateur.report.night_artifacts import Night

TWO_SIDED_95 = 1.96


@dataclass(frozen=True)
class Chart:
    """A picture with its title, its caption, and the artifacts behind it."""

    title: str
    picture: Markup
    note: str
    sources: tuple[str, ...]


def trade_offs(night: Night, rows: list[ModelRow]) -> list[Chart]:
    """AUC on the tune days against bytes, and against the time of a request."""
    batch = max(BATCHES)
    charts = (
        ("AUC against package bytes", number_format.byte_size, lambda m: m.footprint.package_bytes),
        (
            f"AUC against request latency, {batch} rows, p50",
            number_format.duration,
            lambda m: m.latency[batch].request_p50,
        ),
    )
    if rows[0].measures is None:
        return []
    return [_trade_off(night, rows, title, show, cost) for title, show, cost in charts]


def _trade_off(
    night: Night,
    rows: list[ModelRow],
    title: str,
    show: Callable[[float], str],
    cost: Callable[[Measures], float],
) -> Chart:
    points = [point for row in rows if (point := _point(row, cost))]
    dense = rows[0].measures.auc("tune") if rows[0].measures else None
    verdict = night.verdict
    gate = dense - verdict.value.margin if verdict and dense is not None else None
    note = (
        "Tune days, logarithmic cost. Bars: the bounds that were judged. Stepped line: the models "
        "that no other beats in both."
    )
    sources = [verdict.source] if verdict else []
    sources += [row.source for row in rows[1:] if row.source]
    return Chart(title, scatter(points, gate, show, title), note, tuple(sources))


def _point(row: ModelRow, cost: Callable[[Measures], float]) -> Point | None:
    auc = row.measures.auc("tune") if row.measures else None
    if row.measures is None or auc is None:
        return None
    low = high = auc
    if row.delta:
        low, high = (auc - row.delta.estimate + bound for bound in (row.delta.low, row.delta.high))
    elif "tune" in row.measures.differences:
        reach = TWO_SIDED_95 * row.measures.differences["tune"].standard_error
        low, high = auc - reach, auc + reach
    return Point(row.name, cost(row.measures), auc, low, high, row.outcome)


def training_curves(night: Night) -> list[Chart]:
    """AUC and log-loss of the dense model while it trained."""
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


def event_counts(night: Night) -> list[Chart]:
    """Rows kept a day, and rows quarantined by reason."""
    if night.events is None:
        return []
    counts, sources = night.events.value, (night.events.source,)
    features = night.artifacts.get("features")
    split_days = features.facts.get("days", {}) if features else {}
    split_of = {day: split for split, days in split_days.items() for day in days}
    charts = []
    if counts.days:
        picture = bars.day_bars(counts.days, split_of)
        used = (*sources, f"features {features.digest[:10]}") if split_of and features else sources
        charts.append(Chart("Rows kept a day", picture, "By the day that the log names.", used))
    if counts.reasons:
        picture = bars.count_bars(counts.reasons, "Quarantined rows by reason")
        note = "A row may have several reasons."
        charts.append(Chart("Quarantined rows by reason", picture, note, sources))
    return charts
