"""A package as one ONNX file that reads raw values: for services in other languages than Python."""
