"""The shapes of a gated cross network beside a tower."""

from secateur.model.architectures.dcnv2.spec import CrossShapes


class GatedCrossShapes(CrossShapes):
    """A second matrix a layer: the gate's."""

    matrices_a_layer = 2
