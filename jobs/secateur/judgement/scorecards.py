"""The scorecards that a verdict stands on."""

import logging
from collections.abc import Iterable, Mapping

from secateur import artifacts, storage
from secateur.artifacts import Artifact
from secateur.contracts import artifact_files
from secateur.contracts.errors import ArtifactError
from secateur.contracts.judgement import Refusal, Scorecard

log = logging.getLogger("secateur.judgement")


def read_refusals(uri: str | None, recipes: Iterable[str]) -> dict[str, str]:
    """Why packages were refused, by recipe; of those that are sealed after all, nothing.

    `uri` is the folder of what `prune_model` sealed, a folder a recipe.
    """
    found: dict[str, str] = {}
    if uri is None:
        return found
    for recipe in recipes:
        refusal = storage.join(uri, f"{recipe}/refusal")
        is_packaged = artifacts.is_sealed(storage.join(uri, f"{recipe}/package"))
        if artifacts.is_sealed(refusal) and not is_packaged:
            sealed = artifacts.open_artifact(refusal, "Refusal")
            found[recipe] = sealed.read(artifact_files.REFUSAL, Refusal).reason
    return found


def open_scorecards(uri: str, recipes: Iterable[str]) -> dict[str, Artifact]:
    """Open the sealed scorecards among the sub-folders of `uri`, in the order of `recipes`.

    A recipe without one is left out. Raises ArtifactError when two of them were not measured
    against the same dense package on the same features: they cannot be compared.
    """
    cards: dict[str, Artifact] = {}
    for recipe in recipes:
        card = storage.join(uri, recipe)
        if artifacts.is_sealed(card):
            cards[recipe] = artifacts.open_artifact(card, "Scorecard")
        else:
            log.warning("%s: no sealed scorecard at %s", recipe, card)
    for role in ("dense-package", "features"):
        found = {name: card.manifest.made_from[role][:12] for name, card in cards.items()}
        if len(set(found.values())) > 1:
            raise ArtifactError(f"scorecards of different {role}, nothing to compare: {found}")
    return cards


def read_scorecards(sealed: Mapping[str, Artifact]) -> dict[str, Scorecard]:
    """The scorecards by recipe. Raises ArtifactError for one in the folder of another recipe."""
    cards = {name: card.read(artifact_files.SCORECARD, Scorecard) for name, card in sealed.items()}
    for name, card in cards.items():
        if card.recipe != name:
            raise ArtifactError(
                f"{sealed[name].uri} is a scorecard of {card.recipe}, not of {name}"
            )
    return cards
