"""The shapes of a factorization machine: embeddings without a tower."""

from secateur.model.architectures.shapes import NoSpec, Shapes
from secateur.section import Section


class PairShapes(Shapes[Section, NoSpec]):
    """Embeddings that meet in pairs."""

    has_tower = False
