"""An ONNX graph in the making: every method adds to it and returns the name of what it added."""

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

Constant = NDArray[np.generic] | np.generic


class Graph:
    """Inputs, nodes and initializers in the making."""

    def __init__(self) -> None:
        self.inputs: list[onnx.ValueInfoProto] = []
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []

    def input(self, name: str, kind: int, *shape: str | int) -> str:
        """Add an input; a dimension that varies has a name."""
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, name: str, value: Constant) -> str:
        """Add an initializer."""
        self.initializers.append(numpy_helper.from_array(np.asarray(value, order="C"), name))
        return name

    def integers(self, name: str, *values: int) -> str:
        """Add an int64 [n] initializer: a shape, axes, lengths."""
        return self.constant(name, np.array(values, np.int64))

    def external(self, name: str, value: Constant) -> str:
        """Add an initializer whose bytes the client injects."""
        tensor = TensorProto(name=name, data_location=TensorProto.EXTERNAL, dims=value.shape)
        tensor.data_type = helper.np_dtype_to_tensor_dtype(value.dtype)
        tensor.external_data.add(key="location", value=name)
        self.initializers.append(tensor)
        return name

    def node(self, op: str, inputs: list[str], output: str, **attributes: int | list[int]) -> str:
        """Add a node with one output."""
        self.nodes.append(helper.make_node(op, inputs, [output], output, **attributes))
        return output

    def split(self, x: str, names: list[str], sizes: tuple[int, ...], prefix: str = "") -> None:
        """Part the columns of `x` into tensors `names` of `sizes` columns."""
        inputs = [x, self.integers(f"{prefix}widths", *sizes)]
        self.nodes.append(helper.make_node("Split", inputs, names, f"{prefix}split", axis=1))
