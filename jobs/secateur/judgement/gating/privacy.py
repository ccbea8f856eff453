"""What a package gives away of who was trained on: told of every one, limited where asked."""

from collections.abc import Mapping

from secateur.contracts.judgement import Difference, Scorecard
from secateur.judgement.gating.non_inferiority import scarcity
from secateur.judgement.intervals.bounds import bounds
from secateur.judgement.membership import ATTACKS, DAYS, LEAK, MEMBERS
from secateur.scenario import Judgement
from secateur.scenario.sections.judgement import REPORTED


def leak_words(card: Scorecard, confidence: float) -> list[str]:
    """One sentence on the attack that learns most; nothing where none was made."""
    if not card.privacy:
        return []
    name = _worst(card.privacy)
    parts = card.privacy[name]
    leak = bounds(parts[LEAK], confidence)
    said = (
        f"an attack by {name} tells train rows from others of the same users with an AUC of "
        f"{parts[MEMBERS].estimate:.4f}, of which the days alone give {parts[DAYS].estimate:.4f}: "
        f"a leak of {leak.estimate:+.4f}, upper bound {leak.high:+.4f} ({100 * confidence:.4g} %)"
    )
    if name in card.dense_privacy:
        said += f", dense's {card.dense_privacy[name][LEAK].estimate:+.4f}"
    return [said]


def leaks_beyond(card: Scorecard, rules: Judgement, confidence: float) -> list[str]:
    """One sentence for each attack whose leak may be above the limit, or is not known."""
    limit = rules.privacy.leak
    if limit == REPORTED:
        return []
    if not card.privacy:
        return [f"no attack on its privacy was made, which judgement.privacy.leak {limit:g} asks"]
    asked = f"judgement.privacy.leak {limit:g}"
    said = []
    for name in ATTACKS:
        if name not in card.privacy:
            said.append(f"an attack by {name} found no rows to compare, which {asked} asks for")
            continue
        leak = card.privacy[name][LEAK]
        high, few = bounds(leak, confidence).high, scarcity(leak)
        if few:
            said.append(f"what an attack by {name} leaks is not known, as {asked} asks: {few}")
        elif not high < limit:
            said.append(f"an attack by {name} may leak {high:+.4f} of AUC, not below {asked}")
    return said


def _worst(attacks: Mapping[str, Mapping[str, Difference]]) -> str:
    return max(attacks, key=lambda name: attacks[name][LEAK].estimate)
