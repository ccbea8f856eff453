"""The shapes of a logistic regression: it has no embeddings."""

from secateur.model.architectures.shapes import Shapes


class FirstOrderShapes(Shapes):
    """Weights alone."""

    has_embeddings = False
