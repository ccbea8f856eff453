"""Publishing what the gate refused: two people say so, of one package, and for so long.

The file is JSON:

    {"recipe": "hybrid_tiny", "package": "<digest>", "reason": "...",
     "approvals": ["ada@example.com", "grace@example.com"], "expires": "2026-05-09"}

or that JSON itself. A night whose last day is later than `expires` does not take it. Nothing here
asks what time it is.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from secateur.contracts import record
from secateur.contracts.errors import SecateurError, UsageError
from secateur.contracts.judgement import Scorecard, Verdict
from secateur.contracts.releases import Override
from secateur.judgement.gates import confirm
from secateur.judgement.gating.references import References, levels_after
from secateur.scenario import Judgement
from secateur.storage import open_store

APPROVALS, SHORTEST_REASON = 2, 10


def read_override(uri: str) -> Override:
    """Read the file, or the text. Raises UsageError where there is none, or it does not hold."""
    folder, _, name = uri.rpartition("/")
    try:
        text = uri if uri.startswith("{") else open_store(folder or ".").get(name).data
        override = record.from_json(Override, text)
    except SecateurError as error:
        raise UsageError(f"the override {uri} cannot be read: {error}") from error
    names = {_letters(one) for one in override.approvals} - {""}
    if len(names) < APPROVALS:
        raise UsageError(f"the override {uri} needs two approvals by name, it has {sorted(names)}")
    if len(_letters(override.reason)) < SHORTEST_REASON:
        raise UsageError(f"the override {uri} needs a reason, which stays with the release")
    if not _is_day(override.expires):
        raise UsageError(f"the override {uri} expires on {override.expires!r}, which is no day")
    return override


def _letters(text: str) -> str:
    """What a reader sees of it: a name that differs in case or by unseen signs is no other one."""
    seen = (
        one for one in unicodedata.normalize("NFKC", text) if unicodedata.category(one)[0] != "C"
    )
    return "".join(seen).strip().casefold()


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def override_verdict(
    verdict: Verdict,
    override: Override,
    cards: Mapping[str, Scorecard],
    rules: Judgement,
    references: References,
) -> Verdict:
    """The verdict with the package accepted that the override names; an accepted one stays.

    Later nights are still held to the dense model of the last night that the gate accepted, and
    what is lost counts. Raises UsageError where it is for another package or for earlier nights.
    """
    if verdict.accepted:
        return verdict
    card = cards.get(override.recipe)
    if card is None or card.package != override.package:
        found = f"made {card.package[:12]} of it" if card else "measured no such candidate"
        raise UsageError(
            f"the override is for {override.recipe} {override.package[:12]}, this night {found}"
        )
    if card.last_day is None or card.last_day > override.expires:
        raise UsageError(
            f"the override expired on {override.expires}, the night is {card.last_day}"
        )
    confirmed = confirm(card, rules, replace(verdict, reference=""), references)
    before = references.last.dense if references.last else {}
    after = levels_after(card, rules, references)
    return replace(
        confirmed,
        accepted=True,
        package=card.package,
        reference=verdict.reference,
        reason=(
            f"{card.recipe} is published by the word of {' and '.join(override.approvals)}, though "
            f"the gate refused: {override.reason} (the gate had said: {verdict.reason})"
        ),
        levels=replace(after, dense=before),
        override=replace(override, refusal=verdict.reason),
    )
