"""From a feature schema, or the shapes of a bundle, to a model."""

import torch

from secateur.contracts.errors import ScenarioError
from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import WITHOUT_TOWER, Architecture, ListInput, ModelSpec, VectorInput
from secateur.model.architectures.dcnv2.network import DCNv2
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.architectures.din.network import DIN
from secateur.model.architectures.dlrm.network import DLRM
from secateur.model.architectures.factorization_machine.network import FactorizationMachine
from secateur.model.architectures.finalmlp.network import FinalMLP
from secateur.model.architectures.logistic_regression.network import LogisticRegression
from secateur.model.architectures.recommender import Recommender
from secateur.scenario import Training

ARCHITECTURES: dict[Architecture, type[Recommender]] = {
    "lr": LogisticRegression,
    "fm": FactorizationMachine,
    "deepfm": DeepFM,
    "dcnv2": DCNv2,
    "dlrm": DLRM,
    "finalmlp": FinalMLP,
    "din": DIN,
}
WITHOUT_EMBEDDINGS = {"lr"}


def new_model(schema: FeatureSchema, training: Training, seed: int) -> Recommender:
    """An untrained model with a table row for every id of the schema, its weights drawn by `seed`.

    torch's global random state is as it was before. Raises ScenarioError for a tower without
    layers.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return trainable(spec_of(schema, training), training)


def trainable(spec: ModelSpec, training: Training) -> Recommender:
    """A model of these shapes as training begins with it, drawn from torch's random state."""
    model = build(spec, training.dropout)
    if training.batch_norm:
        for tower in model.towers:
            tower.normalize()
    return model


def build(spec: ModelSpec, dropout: float = 0.0) -> Recommender:
    """A model of these shapes, its weights drawn from torch's random state."""
    return ARCHITECTURES[spec.architecture](spec, dropout)


def spec_of(schema: FeatureSchema, training: Training) -> ModelSpec:
    """The shapes of a model that reads every field of `schema`. Raises ScenarioError."""
    architecture = training.architecture
    if not training.hidden and architecture not in WITHOUT_TOWER:
        raise ScenarioError(f"training.hidden is empty, but {architecture} has a tower")
    if schema.tasks and architecture in WITHOUT_TOWER:
        raise ScenarioError(f"{architecture} has no tower for the tasks {list(schema.tasks)}")
    if architecture == "dlrm" and training.interaction == "dot" and len(schema.inputs) < 2:
        raise ScenarioError("dlrm learns from pairs of inputs, but there is one input alone")
    if architecture == "din" and not any(field.shares for field in schema.lists):
        raise ScenarioError("din attends to a list that shares a field's vocabulary: there is none")
    blocks = (*schema.fields, *schema.own_lists)
    block_of = {field.name: block for block, field in enumerate(blocks)}
    return ModelSpec(
        architecture=architecture,
        fields=tuple(field.name for field in schema.fields),
        rows=tuple(field.size for field in blocks),
        embedding_dim=0 if architecture in WITHOUT_EMBEDDINGS else training.embedding_dim,
        hidden=() if architecture in WITHOUT_TOWER else training.hidden,
        numbers=tuple(field.name for field in schema.numbers),
        lists=tuple(ListInput(f.name, block_of[f.shares or f.name]) for f in schema.lists),
        vectors=tuple(VectorInput(f.name, f.length) for f in schema.vectors),
        cross_layers=training.cross_layers if architecture == "dcnv2" else 0,
        bottom=training.bottom if architecture == "dlrm" and schema.numbers else (),
        interaction=training.interaction,
        second=training.hidden if architecture == "finalmlp" else (),
        attention=training.attention if architecture == "din" else (),
        tasks=schema.tasks,
    )
