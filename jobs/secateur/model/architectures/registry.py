"""Every architecture: its network, and its prunable groups.

Part of the registry; see this folder for what a new one needs.
"""

from dataclasses import dataclass
from typing import Any

import torch

from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import ListInput, ModelSpec, VectorInput
from secateur.model.architectures.dcnv2.network import DCNv2
from secateur.model.architectures.dcnv2.prunable_groups import CrossGroups
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.architectures.din.network import DIN
from secateur.model.architectures.din.prunable_groups import AttentionGroups
from secateur.model.architectures.dlrm.network import DLRM
from secateur.model.architectures.dlrm.prunable_groups import InteractionGroups
from secateur.model.architectures.factorization_machine.network import FactorizationMachine
from secateur.model.architectures.factorization_machine.prunable_groups import PairGroups
from secateur.model.architectures.finalmlp.network import FinalMLP
from secateur.model.architectures.finalmlp.prunable_groups import FusionGroups
from secateur.model.architectures.gdcn.network import GDCN
from secateur.model.architectures.gdcn.prunable_groups import GatedCrossGroups
from secateur.model.architectures.logistic_regression.network import LogisticRegression
from secateur.model.architectures.logistic_regression.prunable_groups import FirstOrderGroups
from secateur.model.architectures.masknet.network import MaskNet
from secateur.model.architectures.masknet.prunable_groups import MaskGroups
from secateur.model.architectures.network_settings import (
    NetworkSettings,
    shapes_of,
    without_foreign_keys,
)
from secateur.model.architectures.prunable_groups import PrunableGroups
from secateur.model.architectures.recommender import Recommender


@dataclass(frozen=True)
class Entry:
    """An architecture's network, and its prunable groups."""

    network: type[Recommender]
    groups: type[PrunableGroups[Any]]


ARCHITECTURES: dict[str, Entry] = {
    "lr": Entry(LogisticRegression, FirstOrderGroups),
    "fm": Entry(FactorizationMachine, PairGroups),
    "deepfm": Entry(DeepFM, PairGroups),
    "dcnv2": Entry(DCNv2, CrossGroups),
    "gdcn": Entry(GDCN, GatedCrossGroups),
    "dlrm": Entry(DLRM, InteractionGroups),
    "masknet": Entry(MaskNet, MaskGroups),
    "finalmlp": Entry(FinalMLP, FusionGroups),
    "din": Entry(DIN, AttentionGroups),
}


def groups_of(model: Recommender) -> PrunableGroups[Any]:
    """Which units of a model may go, and what is coupled to each."""
    return ARCHITECTURES[model.spec.architecture].groups(model)


def fixed_inputs(spec: ModelSpec) -> set[str]:
    """Inputs of a model of these shapes that its architecture does not let go one by one."""
    return ARCHITECTURES[spec.architecture].groups.fixed_inputs(spec)


def new_model(schema: FeatureSchema, settings: NetworkSettings, seed: int) -> Recommender:
    """An untrained model with a table row for every id of the schema, its weights drawn by `seed`.

    torch's global random state is as it was before. Raises ScenarioError where the architecture
    cannot learn from such a schema.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return trainable(spec_of(schema, settings), settings)


def trainable(spec: ModelSpec, settings: NetworkSettings) -> Recommender:
    """A model of these shapes as training begins with it, drawn from torch's random state."""
    model = build(spec, settings.dropout)
    if settings.batch_norm:
        for tower in model.towers:
            tower.normalize()
    return model


def build(spec: ModelSpec, dropout: float = 0.0) -> Recommender:
    """A model of these shapes, its weights drawn from torch's random state.

    Raises CorruptArtifact where the spec holds what no architecture knows.
    """
    own = without_foreign_keys(spec)
    return ARCHITECTURES[own.architecture].network(own, dropout)


def spec_of(schema: FeatureSchema, settings: NetworkSettings) -> ModelSpec:
    """The shapes of a model that reads every field of `schema`. Raises ScenarioError."""
    shapes = shapes_of(settings.architecture)
    blocks = (*schema.fields, *schema.own_lists)
    block_of = {field.name: block for block, field in enumerate(blocks)}
    shared = ModelSpec(
        architecture=settings.architecture,
        fields=tuple(field.name for field in schema.fields),
        rows=tuple(field.size for field in blocks),
        embedding_dim=settings.embedding_dim if shapes.has_embeddings else 0,
        hidden=settings.hidden if shapes.has_tower else (),
        numbers=tuple(field.name for field in schema.numbers),
        lists=tuple(ListInput(f.name, block_of[f.shares or f.name]) for f in schema.lists),
        vectors=tuple(VectorInput(f.name, f.length) for f in schema.vectors),
        tasks=schema.tasks,
    )
    spec = shapes.complete(shared, settings)
    shapes.check(spec)
    return spec
