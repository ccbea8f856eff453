"""The shapes of a DIN: an activation unit for each list that shares a field's vocabulary."""

from dataclasses import replace

from secateur.contracts.errors import ScenarioError
from secateur.contracts.features import FeatureSchema
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.shapes import Shapes
from secateur.scenario import Training


class AttentionShapes(Shapes):
    """`attention` are the hidden widths of every activation unit."""

    def with_own(self, spec: ModelSpec, training: Training) -> ModelSpec:
        """The hidden widths of the units."""
        return replace(spec, attention=training.attention)

    def check(self, schema: FeatureSchema, training: Training) -> None:
        """Raise ScenarioError where there is no list to attend to."""
        super().check(schema, training)
        if not any(field.shares for field in schema.lists):
            raise ScenarioError(
                f"{training.architecture} attends to a list that shares a field's vocabulary: "
                "there is none"
            )
