"""Building blocks of ONNX graphs, in values: an operator takes values and gives one."""
