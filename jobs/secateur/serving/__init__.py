"""Load a Package, encode raw values, score. Heavy library: onnxruntime. No torch, no Spark."""
