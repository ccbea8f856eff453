"""The night in one sentence, its few decisive figures, and how far it came."""

from dataclasses import dataclass
from typing import Literal

from secateur.contracts.data import ValidationReport
from secateur.contracts.judgement import BATCHES, Verdict
from secateur.contracts.releases import PublishReceipt
from secateur.report import numbers
from secateur.report.candidates import Line, Measured
from secateur.report.evidence import STAGES, Night

Status = Literal["published", "accepted", "refused", "incomplete"]

UNTOUCHED = "What is served stays as it was."
SPOKEN = {
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
    """One decisive number, what it is of, and what it is to be held against."""

    value: str
    of: str
    beside: str


@dataclass(frozen=True)
class Stage:
    """One sealed part of the run, or the lack of it."""

    name: str
    sealed: bool
    note: str


def headline(night: Night) -> Headline:
    """Say how the night ended, from what was sealed last."""
    if night.verdict:
        return _judged(night.verdict.value, night.release.value if night.release else None)
    for name, report in (("events", night.events_report), ("features", night.features_report)):
        if report and not report.value.success:
            return Headline("refused", f"{_broken(name, report.value)}. {UNTOUCHED}")
    sealed = [stage.name for stage in stages(night) if stage.sealed]
    if not sealed:
        return Headline("incomplete", f"Nothing was sealed in this run. {UNTOUCHED}")
    if "verdict" in sealed:
        return Headline("incomplete", "A verdict was sealed, but it cannot be trusted as it is.")
    last, lacking = sealed[-1], next(name for name in STAGES if name not in sealed)
    sentence = (
        f"The night stopped after {SPOKEN.get(last, last)}: {SPOKEN.get(lacking, lacking)} "
        f"not sealed, the log of the task says why. {UNTOUCHED}"
    )
    return Headline("incomplete", sentence)


def _judged(verdict: Verdict, receipt: PublishReceipt | None) -> Headline:
    if not verdict.accepted:
        return Headline("refused", f"{_sentence(verdict.reason)}. {UNTOUCHED}")
    proof = f"On the untouched confirm days it {_proven(verdict)}."
    if receipt is None:
        return Headline("accepted", f"{verdict.chosen} passed, but was not published. {proof}")
    where = f"release {receipt.number} on channel {receipt.channel}"
    if not receipt.served:
        sentence = f"{verdict.chosen} is {where}, which serves another one and was left so. {proof}"
        return Headline("accepted", sentence)
    return Headline("published", f"{verdict.chosen} is {where}. {proof}")


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:]


def _proven(verdict: Verdict) -> str:
    if verdict.confirmed is None:
        return "was not tested"
    low, confidence = verdict.confirmed.low, numbers.percent(verdict.confirmed.confidence)
    what = f"loses at most {-low:.4f} AUC" if low < 0 else f"gains at least {low:.4f} AUC"
    margins = f"margin {numbers.plain(verdict.margin)}"
    if verdict.supported_margin is not None:
        margins += f"; these rows support {numbers.plain(verdict.supported_margin)}"
    return f"{what} ({confidence} confidence, {margins})"


def _broken(name: str, report: ValidationReport) -> str:
    broken = sum(not rule.success for rule in report.expectations)
    return f"The {name} broke {broken} of {len(report.expectations)} declared expectations"


def figures(night: Night, lines: list[Line]) -> list[Figure]:
    """What a reader wants to know first: of the chosen package, or of the refusal."""
    verdict, dense = night.verdict.value if night.verdict else None, lines[0].measured
    if verdict is None or dense is None:
        return []
    chosen = next((line.measured for line in lines if line.name == verdict.chosen), None)
    if chosen:
        return [*_of_accuracy(verdict), *_of_package(dense, chosen)]
    supported = numbers.plain(verdict.supported_margin)
    size = numbers.size(dense.footprint.package_bytes)
    demand = "AUC that a package may lose" if verdict.margin >= 0 else "AUC that it must gain"
    return [
        Figure(numbers.plain(abs(verdict.margin)), "margin asked for", demand),
        Figure(supported, "margin these rows support", "smallest resolved, 80 % power"),
        Figure(numbers.plain(dense.auc("tune")), "AUC of the dense model", "on the tune days"),
        Figure(size, "dense package", "what a prune must undercut"),
    ]


def _of_accuracy(verdict: Verdict) -> list[Figure]:
    delta = verdict.confirmed
    if delta is None:
        return []
    beside = f"at least {numbers.signed(delta.low)} with {numbers.percent(delta.confidence)}"
    return [Figure(numbers.signed(delta.estimate), "AUC against dense, confirm days", beside)]


def _of_package(dense: Measured, chosen: Measured) -> list[Figure]:
    batch = max(BATCHES)
    pairs = (
        ("smaller", numbers.size, dense.footprint.package_bytes, chosen.footprint.package_bytes),
        (
            f"faster, {batch} rows a request",
            numbers.duration,
            dense.latency[batch].request_p50,
            chosen.latency[batch].request_p50,
        ),
        (
            "less memory",
            numbers.size,
            dense.footprint.resident_bytes,
            chosen.footprint.resident_bytes,
        ),
    )
    return [
        Figure(numbers.ratio(was, now), f"{what} than dense", f"{show(now)}, was {show(was)}")
        for what, show, was, now in pairs
    ]


def stages(night: Night) -> list[Stage]:
    """Every stage in order, with its digest or how many of the planned parts are there."""
    return [_stage(night, name) for name in STAGES]


def _stage(night: Night, name: str) -> Stage:
    inside = {"candidates": "/package", "scorecards": ""}.get(name)
    if inside is None:
        manifest = night.artifacts.get(name)
        return Stage(name, manifest is not None, manifest.digest[:8] if manifest else "not sealed")
    done = sum(f"{name}/{recipe}{inside}" in night.artifacts for recipe in night.recipes)
    return Stage(name, 0 < done == len(night.recipes), f"{done} of {len(night.recipes)}")
