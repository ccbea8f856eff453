"""An ONNX graph in the making: every method adds to it and gives the value that it added.

The values are onnx-ir's, the ONNX project's own representation (https://onnx.ai/ir-py). Only the
names of inputs, outputs and the external initializer mean something; all others are numbers.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray
from onnx_ir.tape import Tape

Constant = NDArray[np.generic] | np.generic
Value = ir.Value

OPSET = 21
IR_VERSION = 10


@dataclass(frozen=True)
class Place:
    """A file beside the graph, and the byte at which an initializer begins there."""

    file: str
    start: int


class Graph:
    """Inputs, nodes and initializers in the making."""

    def __init__(self) -> None:
        self._tape = Tape()
        self._inputs: list[Value] = []
        self._constants: dict[tuple[str, tuple[int, ...], bytes], Value] = {}
        self._external: list[Value] = []

    def input(self, name: str, kind: type[np.generic], *shape: str | int) -> Value:
        """Add an input; a dimension that varies has a name."""
        self._inputs.append(_typed_value(name, np.dtype(kind), shape))
        return self._inputs[-1]

    def external(
        self, name: str, kind: np.dtype[np.generic], *shape: int, place: Place | None = None
    ) -> Value:
        """Add an initializer whose bytes the client injects, or which lie in a file."""
        value = _typed_value(name, kind, shape)
        data = ir.DataType.from_numpy(kind)
        where: tuple[str, int | None, int | None] = (name, None, None)
        if place is not None:
            where = (place.file, place.start, math.prod(shape) * kind.itemsize)
        value.const_value = ir.ExternalTensor(*where, data, shape=ir.Shape(shape), name=name)
        self._external.append(value)
        return value

    def constant(self, value: Constant) -> Value:
        """Add an initializer; equal ones are one."""
        array = np.asarray(value, order="C")
        key = (array.dtype.str, array.shape, array.tobytes())
        if key not in self._constants:
            name = f"constant_{len(self._constants)}"
            self._constants[key] = self._tape.initializer(ir.tensor(array, name=name))
        return self._constants[key]

    def integers(self, *values: int) -> Value:
        """Add an int64 [n] initializer: a shape, axes, lengths."""
        return self.constant(np.array(values, np.int64))

    def op(self, operator: str, *inputs: Value, **attributes: float | Sequence[int]) -> Value:
        """Add a node with one output."""
        value = self._tape.op(operator, inputs, attributes)
        value.name = f"{operator}_{len(self._tape.nodes)}"
        return value

    def cast(self, x: Value, kind: type[np.generic]) -> Value:
        """Add a Cast of `x` to a dtype."""
        return self.op("Cast", x, to=int(ir.DataType.from_numpy(np.dtype(kind))))

    def split(self, x: Value, sizes: Sequence[int]) -> list[Value]:
        """Part the columns of `x` [rows, sum of sizes] into values of `sizes` columns each."""
        inputs, count = [x, self.integers(*sizes)], len(sizes)
        parts = self._tape.op_multi_out("Split", inputs, {"axis": 1}, num_outputs=count)
        for place, part in enumerate(parts):
            part.name = f"Split_{len(self._tape.nodes)}_{place}"
        return list(parts)

    def serialize(self, name: str, outputs: Mapping[str, Value]) -> bytes:
        """The bytes of the graph, which gives `outputs`, float32 [batch], by their names.

        Equal graphs give equal bytes.
        """
        for output, value in outputs.items():
            value.name = output
            value.type, value.shape = ir.TensorType(ir.DataType.FLOAT), ir.Shape(["batch"])
        graph = ir.Graph(
            self._inputs,
            list(outputs.values()),
            nodes=self._tape.nodes,
            initializers=[*self._external, *self._tape.initializers],
            opset_imports={"": OPSET},
            name=name,
        )
        model = ir.to_proto(ir.Model(graph, ir_version=IR_VERSION, producer_name="secateur"))
        del model.graph.value_info[:]  # shapes of initializers, which these say themselves
        for node in model.graph.node:
            node.name = node.output[0]
        return bytes(model.SerializeToString(deterministic=True))


def _typed_value(name: str, kind: np.dtype[np.generic], shape: Sequence[str | int]) -> Value:
    data = ir.DataType.from_numpy(kind)
    return Value(name=name, type=ir.TensorType(data), shape=ir.Shape(shape))
