"""One row a night: how it ended, how good and how small what it made is, and who let it out."""

from collections.abc import Mapping
from dataclasses import dataclass

from secateur.contracts.data import ColumnDrift
from secateur.contracts.judgement import BATCHES, MetricTest, Scorecard
from secateur.contracts.releases import ReleaseManifest
from secateur.report.board.past_nights import PastNight
from secateur.report.night_artifacts import Night
from secateur.report.story import Headline, headline

Releases = Mapping[tuple[str, int], ReleaseManifest]
SPLITS = ("confirm", "tune")  # the first that was measured


@dataclass(frozen=True)
class ModelFigures:
    """Of one package: AUC and GAUC on held-out days, bytes, microseconds a request."""

    auc: float | None
    gauc: float | None
    bytes: int
    request_us: float | None


@dataclass(frozen=True)
class NightRow:
    """What the board tells of a night; None where it did not come so far.

    `quarantined` is the share of raw rows, `drift` the column nearest to its limit, or furthest
    beyond it. `approved` names who let the release out. `tests` are those of the confirm days.
    """

    past: PastNight
    ending: Headline
    day: str
    recipe: str
    dense: ModelFigures | None
    chosen: ModelFigures | None
    quarantined: float | None
    drift: ColumnDrift | None
    release: str
    approved: str
    tests: tuple[MetricTest, ...] = ()


def night_rows(nights: list[PastNight], releases: Releases) -> list[NightRow]:
    """The rows of nights, in their order. `releases` are by scenario and number."""
    return [_row(one, releases) for one in nights]


def _row(past: PastNight, releases: Releases) -> NightRow:
    night = past.night
    verdict = night.verdict.value if night.verdict else None
    recipe = (verdict.chosen or "") if verdict and verdict.accepted else ""
    card = night.scorecards.get(recipe)
    any_card = card or next(iter(night.scorecards.values()), None)
    receipt = night.release.value if night.release else None
    return NightRow(
        past=past,
        ending=headline(night),
        day=_last_day(night),
        recipe=recipe,
        dense=_figures(any_card.value, of_dense=True) if any_card else None,
        chosen=_figures(card.value, of_dense=False) if card else None,
        quarantined=_quarantine_share(night),
        drift=_worst_drift(night),
        release=f"{receipt.number} on {receipt.channel}" if receipt and receipt.served else "",
        approved=_approvers(releases.get((receipt.scenario, receipt.number)) if receipt else None),
        tests=verdict.tests if verdict else (),
    )


def _last_day(night: Night) -> str:
    if night.window and night.window.value.last_day:
        return night.window.value.last_day
    return max(night.events.value.days, default="") if night.events else ""


def _figures(card: Scorecard, of_dense: bool) -> ModelFigures:
    accuracy = card.dense_accuracy if of_dense else card.accuracy
    found = next((accuracy[split] for split in SPLITS if split in accuracy), None)
    footprint = card.dense_footprint if of_dense else card.footprint
    latency = card.dense_latency if of_dense else card.latency
    return ModelFigures(
        auc=found.auc if found else None,
        gauc=found.day_gauc or found.gauc if found else None,
        bytes=footprint.package_bytes,
        request_us=next((one.request_p50 for one in latency if one.batch == max(BATCHES)), None),
    )


def _quarantine_share(night: Night) -> float | None:
    counts = night.events.value if night.events else None
    return counts.quarantined / counts.rows_in if counts and counts.rows_in else None


def _worst_drift(night: Night) -> ColumnDrift | None:
    report = night.events_report.value if night.events_report else None
    compared = [one for one in report.drift if one.distance is not None] if report else []
    return max(compared, key=lambda one: (one.distance or 0) / one.limit, default=None)


def _approvers(manifest: ReleaseManifest | None) -> str:
    if manifest and manifest.override:
        return f"override: {' and '.join(manifest.override.approvals)}"
    return manifest.approval.by if manifest and manifest.approval else ""
