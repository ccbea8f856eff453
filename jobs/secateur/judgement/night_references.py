"""Where the references of a night lie: in its dense bundle, and with the nights accepted before."""

from collections.abc import Iterable

from secateur.accepted import LEVELS
from secateur.artifacts import Artifact
from secateur.contracts import artifact_files
from secateur.contracts.judgement import NightLevels, Scorecard
from secateur.contracts.models import Baselines
from secateur.judgement.gating.references import References


def find_levels(state: str | None, cards: Iterable[Scorecard]) -> Artifact | None:
    """What the last night accepted before these rows' last day was worth; None where none was."""
    days = [card.last_day for card in cards if card.last_day]
    found = LEVELS.before(state, max(days)) if days else None
    return found[1] if found else None


def read_references(channel: str, dense: Artifact | None, last: Artifact | None) -> References:
    """What of the dense bundle and of the last accepted night is known."""
    holds = dense and artifact_files.BASELINES in {entry.path for entry in dense.manifest.files}
    return References(
        channel=channel,
        baselines=dense.read(artifact_files.BASELINES, Baselines) if dense and holds else None,
        last=last.read(artifact_files.LEVELS, NightLevels) if last else None,
    )
