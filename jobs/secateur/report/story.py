"""The night in one sentence, its few decisive figures, and how far it came."""

from dataclasses import dataclass
from typing import Literal

from secateur.contracts.errors import TaskFailure
from secateur.contracts.judgement import BATCHES, BOOTSTRAP, Verdict
from secateur.contracts.releases import PublishReceipt
from secateur.report.model_rows import Measures, ModelRow
from secateur.report.night_artifacts import STAGES, Night
from secateur.report.number_format import (
    byte_size,
    decimal,
    duration,
    percent,
    signed_delta,
    times_smaller,
)

Status = Literal["published", "accepted", "refused", "skipped", "incomplete"]

WHOLE_NIGHT = "night"  # the task of a failure that is the run's own
UNTOUCHED = "The model that is served stays as it was."
STAGE_WORDS = {
    "events_report": "validation of the events",
    "features_report": "validation of the features",
}


@dataclass(frozen=True)
class Headline:
    """How the night ended."""

    status: Status
    sentence: str


@dataclass(frozen=True)
class Figure:
    """One decisive number with its label, and what to compare it with."""

    value: str
    label: str
    comparison: str


@dataclass(frozen=True)
class NightStage:
    """One stage of the night, and whether its artifacts are sealed."""

    name: str
    sealed: bool
    note: str


def headline(night: Night) -> Headline:
    """Say how the night ended, which days came late, and whether services know today's users."""
    found = _how_it_ended(night)
    told = [found.sentence]
    if night.late:
        days = ", ".join(night.late.value.days)
        told.append(f"Delivered again since they were first cleaned: {days}.")
    if night.snapshot:
        receipt = night.snapshot.value
        where = f"The feature snapshot is release {receipt.number} on channel {receipt.channel}"
        stays = "" if receipt.served else f", which stays at another one: {receipt.kept}"
        told.append(f"{where}{stays}.")
    return Headline(found.status, " ".join(told))


def _how_it_ended(night: Night) -> Headline:
    """How the night ended, from what was sealed last."""
    if night.verdict:
        return _of_judged(night, night.verdict.value)
    if failed := _decisive(night):
        return _of_failure(failed)
    for name, report in (("events", night.events_report), ("features", night.features_report)):
        if report and not report.value.success:
            rules = report.value.expectations
            broken = f"{sum(not rule.success for rule in rules)} of {len(rules)}"
            sentence = f"The {name} broke {broken} declared expectations. {UNTOUCHED}"
            return Headline("refused", sentence)
    sealed = [stage.name for stage in stages(night) if stage.sealed]
    if not sealed:
        return Headline("incomplete", f"Nothing was sealed in this run. {UNTOUCHED}")
    if "verdict" in sealed:
        return Headline("incomplete", "A verdict was sealed, but it cannot be trusted as it is.")
    last, lacking = sealed[-1], next(name for name in STAGES if name not in sealed)
    last, lacking = STAGE_WORDS.get(last, last), STAGE_WORDS.get(lacking, lacking)
    sentence = (
        f"The night stopped after {last}: {lacking} not sealed, the log of the task says why. "
        f"{UNTOUCHED}"
    )
    return Headline("incomplete", sentence)


def _decisive(night: Night) -> TaskFailure | None:
    """What ended the night: the person who marked it, or the failed task that is no candidate's."""
    ended = sorted(night.failures, key=lambda one: (one.task != WHOLE_NIGHT, bool(one.candidate)))
    return next(iter(ended), None)


def _of_failure(failed: TaskFailure) -> Headline:
    if failed.kind == "skipped":
        return Headline("skipped", f"{failed.message.rstrip('.')}. {UNTOUCHED}")
    status: Status = "refused" if failed.kind == "refused" else "incomplete"
    served = UNTOUCHED
    if failed.task.startswith("publish_"):
        served = "Its channel may have moved: `secateur show` tells what is served."
    message = failed.message.rstrip(".")
    attempt = f" at try {failed.attempt}" if failed.attempt else ""
    told = f"{failed.name} {failed.kind}{attempt}: {message}."
    return Headline(status, f"{told} {served}")


def _of_judged(night: Night, verdict: Verdict) -> Headline:
    """What became of the verdict: a person may have said no, or the store was away."""
    failure = _decisive(night)
    if verdict.accepted and night.release is None and failure:
        said = _of_failure(failure)
        return Headline(said.status, f"{verdict.chosen} passed, but {said.sentence}")
    return _of_verdict(verdict, night.release.value if night.release else None)


def _of_verdict(verdict: Verdict, receipt: PublishReceipt | None) -> Headline:
    if not verdict.accepted:
        reason = verdict.reason[:1].upper() + verdict.reason[1:]
        return Headline("refused", f"{reason}. {UNTOUCHED}")
    proof = f"On the untouched confirm days it {_confirmation(verdict)}."
    if receipt is None:
        return Headline("accepted", f"{verdict.chosen} passed, but was not published. {proof}")
    where = f"release {receipt.number} on channel {receipt.channel}"
    if not receipt.served:
        why = f": {receipt.kept}" if receipt.kept else ""
        sentence = f"{verdict.chosen} is {where}, which stays at another one{why}. {proof}"
        return Headline("accepted", sentence)
    return Headline("published", f"{verdict.chosen} is {where}. {proof}")


def _confirmation(verdict: Verdict) -> str:
    """What the confirm days showed of the chosen candidate."""
    if verdict.confirmed is None:
        return "was not tested"
    low, confidence = verdict.confirmed.low, percent(verdict.confirmed.confidence)
    what = f"loses at most {-low:.4f} AUC" if low < 0 else f"gains at least {low:.4f} AUC"
    margins = f"margin {decimal(verdict.margin)}"
    if verdict.supported_margin is not None:
        margins += f"; these rows support {decimal(verdict.supported_margin)}"
    beside = {BOOTSTRAP: ", a bootstrap: nothing was served to compare with", "": ""}
    held = beside.get(verdict.reference, f", and was held against {verdict.reference}")
    return f"{what} ({confidence} confidence, {margins}){held}"


def figures(night: Night, rows: list[ModelRow]) -> list[Figure]:
    """What a reader wants to know first: about the chosen package, or about the refusal."""
    verdict, dense = night.verdict.value if night.verdict else None, rows[0].measures
    if verdict is None or dense is None:
        return []
    chosen = next((row.measures for row in rows if row.name == verdict.chosen), None)
    if chosen:
        return [*_of_accuracy(verdict), *_of_package(dense, chosen)]
    supported = decimal(verdict.supported_margin)
    dense_size = byte_size(dense.footprint.package_bytes)
    demand = "AUC that a package may lose" if verdict.margin >= 0 else "AUC that it must gain"
    return [
        Figure(decimal(abs(verdict.margin)), "margin asked for", demand),
        Figure(supported, "margin these rows support", "smallest resolved, 80 % power"),
        Figure(decimal(dense.auc("tune")), "AUC of the dense model", "on the tune days"),
        Figure(dense_size, "dense package", "what a prune must undercut"),
    ]


def _of_accuracy(verdict: Verdict) -> list[Figure]:
    delta = verdict.confirmed
    if delta is None:
        return []
    comparison = f"at least {signed_delta(delta.low)} with {percent(delta.confidence)}"
    return [Figure(signed_delta(delta.estimate), "AUC against dense, confirm days", comparison)]


def _of_package(dense: Measures, chosen: Measures) -> list[Figure]:
    batch = max(BATCHES)
    pairs = (
        (
            "smaller",
            byte_size,
            dense.footprint.package_bytes,
            chosen.footprint.package_bytes,
        ),
        (
            f"faster, {batch} rows a request",
            duration,
            dense.latency[batch].request_p50,
            chosen.latency[batch].request_p50,
        ),
        (
            "less memory",
            byte_size,
            dense.footprint.resident_bytes,
            chosen.footprint.resident_bytes,
        ),
    )
    return [
        Figure(
            times_smaller(was, now),
            f"{what} than dense",
            f"{show(now)}, was {show(was)}",
        )
        for what, show, was, now in pairs
    ]


def stages(night: Night) -> list[NightStage]:
    """Every stage in order."""
    return [_stage(night, name) for name in STAGES]


def _stage(night: Night, name: str) -> NightStage:
    """A stage; of the candidates' stages, the note says how many of those planned are sealed."""
    inside = {"candidates": "/package", "scorecards": ""}.get(name)
    if inside is None:
        manifest = night.artifacts.get(name)
        told = manifest.digest[:8] if manifest else "not sealed"
        return NightStage(name, manifest is not None, told)
    done = sum(f"{name}/{recipe}{inside}" in night.artifacts for recipe in night.recipes)
    return NightStage(name, 0 < done == len(night.recipes), f"{done} of {len(night.recipes)}")
