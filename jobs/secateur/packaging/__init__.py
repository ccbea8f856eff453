"""A compact model becomes a Package. Heavy library: onnx. Reads `model/`, writes what `serving/`
reads."""
