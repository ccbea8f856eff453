"""A model as inert bytes: `model.json` holds its shapes, `model.safetensors` its weights."""

from safetensors.torch import load_model, save_model

from secateur.artifacts import Artifact, Draft
from secateur.contracts import artifact_files
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import build

SPEC = artifact_files.MODEL
WEIGHTS = "model.safetensors"


def save_bundle(draft: Draft, model: Recommender) -> None:
    """Write shapes and weights into an artifact in the making."""
    draft.write(SPEC, model.spec)
    save_model(model, str(draft.folder / WEIGHTS))


def load_bundle(bundle: Artifact, dropout: float = 0.0) -> Recommender:
    """Build the model of a sealed ModelBundle, in evaluation mode."""
    model = build(bundle.read(SPEC, ModelSpec), dropout)
    load_model(model, str(bundle.file(WEIGHTS)), strict=True)
    return model.eval()


def weight_counts(model: Recommender) -> dict[str, int]:
    """How many numbers the model's tables and towers hold, and how many of them are not zero."""
    values = list(model.parameters())
    return {
        "parameters": sum(value.numel() for value in values),
        "nonzero": sum(int(value.count_nonzero()) for value in values),
    }
