"""Where the references of a night lie: in its dense bundle, and with the nights accepted before."""

from collections.abc import Iterable, Mapping

from secateur.accepted import LEVELS, LOSSES
from secateur.artifacts import Artifact, is_sealed, open_artifact
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.judgement import NightLevels, Scorecard
from secateur.contracts.models import Baselines
from secateur.judgement.gating.references import References


def find_levels(state: str | None, cards: Iterable[Scorecard]) -> Artifact | None:
    """What the last night accepted before these rows' last day was worth; None where none was."""
    days = [card.last_day for card in cards if card.last_day]
    found = LEVELS.before(state, max(days)) if days else None
    return found[1] if found else None


def find_losses(state: str | None, cards: Iterable[Scorecard], channel: str) -> Artifact | None:
    """What releases had lost up to the one that the channel serves; None where nobody noted it.

    A night that is run again, a release that was rolled back to and one that is held are so held to
    what they are, whatever was accepted since. Raises CorruptArtifact.
    """
    served = next((card.served.get(channel) for card in cards), None)
    if not (state and served):
        return None
    uri = LOSSES.uri(state, served.package)
    return open_artifact(uri, LOSSES.kind) if is_sealed(uri) else None


def find_references(job: Job, cards: Mapping[str, Scorecard]) -> References:
    """What the flags `--dense`, `--state` and `--target` lead to, each noted by its digest."""
    dense = job.open("dense", "ModelBundle") if job.arguments.get("dense") else None
    last = find_levels(job.arguments.get("state"), cards.values())
    if last:
        job.note("levels", last.digest)
    channel = job.scenario.channel_of(job.arguments.get("target"))
    losses = find_losses(job.arguments.get("state"), cards.values(), channel)
    if losses:
        job.note("losses", losses.digest)
    holds = dense and artifact_files.BASELINES in {entry.path for entry in dense.manifest.files}
    return References(
        channel=channel,
        baselines=dense.read(artifact_files.BASELINES, Baselines) if dense and holds else None,
        last=last.read(artifact_files.LEVELS, NightLevels) if last else None,
        served=losses.read(artifact_files.LEVELS, NightLevels) if losses else None,
    )
