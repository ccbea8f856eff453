"""Bytes and microseconds: limits, margins against dense, and what a package saves.

A limit is asked as "is it kept?", so that what is no number keeps none.
"""

from collections.abc import Sequence

from secateur.contracts.errors import ArtifactError
from secateur.contracts.judgement import BATCHES, Latency, Scorecard
from secateur.scenario import Judgement
from secateur.scenario.sections.search import Target

BUSY = 0.25  # share of the machine that others use, from which on a time is told with it


def limits_broken(card: Scorecard, rules: Judgement) -> list[str]:
    """One sentence for each limit on bytes or time, absolute or against dense, that is exceeded."""
    broken = []
    size, most = card.footprint.package_bytes, rules.max_package_bytes
    if most is not None and size > most:
        broken.append(f"{size:,} bytes exceed the limit of {most:,}")
    for batch, slowest in rules.max_request_us.items():
        found = _at(card.latency, int(batch)).request_p99
        if not found <= slowest:
            said = f"p99 {found:,.0f} us a request of {batch} exceeds {slowest:,.0f} us"
            broken.append(said + _load_words(card))
    return broken + _worse_than_dense(card, rules)


def target_missed(card: Scorecard, target: Target) -> list[str]:
    """One sentence for each limit of a search's target that the package exceeds."""
    missed = []
    size, us = card.footprint.package_bytes, _at(card.latency, max(BATCHES)).request_p50
    if target.max_bytes is not None and size > target.max_bytes:
        missed.append(f"{size:,} bytes are more than {target.name}'s {target.max_bytes:,}")
    if target.max_us is not None and not us <= target.max_us:
        said = f"{us:,.0f} us a request are more than {target.name}'s {target.max_us:,.0f}"
        missed.append(said + _load_words(card))
    return missed


def saves_enough(card: Scorecard, rules: Judgement) -> tuple[bool, str]:
    """Tell whether the package is better than dense in what is preferred, and say by how much.

    Zeros that are stored and multiplied like any other weight save nothing.
    """
    ratio = dense_cost(card, rules) / cost(card, rules)
    word = "smaller" if rules.prefer == "bytes" else "faster"
    if not ratio * (1 - rules.min_saving) >= 1:
        zeros = card.footprint.nominal_sparsity
        despite = "" if zeros is None else f" at {zeros:.0%} nominal sparsity"
        return False, f"no saving: {ratio:.2f}x {word} than dense{despite}"
    return True, f"{ratio:.3g}x {word} than dense"


def cost(card: Scorecard, rules: Judgement) -> float:
    """What the preferred package has least of: bytes, or p50 us of the largest request."""
    if rules.prefer == "bytes":
        return card.footprint.package_bytes
    return _at(card.latency, max(BATCHES)).request_p50


def dense_cost(card: Scorecard, rules: Judgement) -> float:
    """The same of the dense package, measured beside it."""
    if rules.prefer == "bytes":
        return card.dense_footprint.package_bytes
    return _at(card.dense_latency, max(BATCHES)).request_p50


def _worse_than_dense(card: Scorecard, rules: Judgement) -> list[str]:
    pairs = (
        (
            "bytes",
            card.footprint.package_bytes,
            card.dense_footprint.package_bytes,
            rules.margins.bytes,
            "",
        ),
        (
            "us a request",
            _at(card.latency, max(BATCHES)).request_p50,
            _at(card.dense_latency, max(BATCHES)).request_p50,
            rules.margins.latency,
            _load_words(card),
        ),
    )
    return [
        f"{found:,.0f} {what} are {found / dense - 1:+.1%} against dense, beyond {margin:+.1%}{how}"
        for what, found, dense, margin, how in pairs
        if not found <= dense * (1 + margin)
    ]


def _load_words(card: Scorecard) -> str:
    """What a time is to be believed by, where others were at work on the machine."""
    if card.load is None or card.load < BUSY:
        return ""
    return (
        f", timed while others used {card.load:.0%} of the machine: measure again when it is idle"
    )


def _at(latencies: Sequence[Latency], batch: int) -> Latency:
    found = next((latency for latency in latencies if latency.batch == batch), None)
    if found is None:
        raise ArtifactError(f"a scorecard has no latency of {batch} rows a request")
    return found
