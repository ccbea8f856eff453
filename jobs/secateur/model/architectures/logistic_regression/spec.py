"""The shapes of a logistic regression: it has neither embeddings nor a tower."""

from secateur.model.architectures.shapes import NoSpec, Shapes
from secateur.section import Section


class FirstOrderShapes(Shapes[Section, NoSpec]):
    """Weights alone."""

    has_embeddings = False
    has_tower = False
