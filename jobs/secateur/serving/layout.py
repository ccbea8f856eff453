"""The files of a Package, named once for the room that writes them and the one that reads them."""

MODEL = "model.onnx"
TABLE = "table.zst"
VOCABULARY = "vocabulary.zst"
SCHEMA = "feature_schema.json"
RECIPE = "recipe.json"
GOLDEN = "golden.json"
CARD = "model_card.md"

IDS = "ids"  # the graph's input: int32 [batch, fields]
PROBABILITY = "probability"  # its output: float32 [batch]
TABLE_WEIGHTS = "table"  # its initializer that is stored packed, in TABLE, and injected at load
