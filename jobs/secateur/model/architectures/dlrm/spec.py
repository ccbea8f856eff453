"""The shapes of a DLRM: its tower reads how all embeddings meet, that of the numbers too."""

from dataclasses import replace

from secateur.contracts.errors import ScenarioError
from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.shapes import Shapes
from secateur.scenario import Training


class InteractionShapes(Shapes):
    """`bottom` are the hidden widths of what makes one embedding of all numbers."""

    def with_own(self, spec: ModelSpec, training: Training) -> ModelSpec:
        """The bottom, where there are numbers, and how embeddings meet."""
        bottom = training.bottom if spec.numbers else ()
        return replace(spec, bottom=bottom, interaction=training.interaction)

    def check(self, schema: FeatureSchema, training: Training) -> None:
        """Raise ScenarioError where there is no pair of inputs to learn from."""
        super().check(schema, training)
        if training.interaction == "dot" and len(schema.inputs) < 2:
            name = training.architecture
            raise ScenarioError(f"{name} learns from pairs of inputs, but there is one input alone")

    def tower_inputs(self, spec: ModelSpec) -> int:
        """The numbers' embedding, then the others, or the dot product of every pair."""
        embeddings = spec.embedding_count + bool(spec.numbers)
        if spec.interaction == "cat":
            return embeddings * spec.embedding_dim
        own = spec.embedding_dim if spec.numbers else 0
        return own + embeddings * (embeddings - 1) // 2
