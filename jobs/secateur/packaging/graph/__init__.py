"""The model as one ONNX graph: its parts, quantized, and their composition."""
