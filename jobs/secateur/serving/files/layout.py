"""The files of a Package, named once for the room that writes them and the one that reads them."""

MODEL = "model.onnx"  # of float32 weights
PACKED_MODEL = "model.onnx.zst"  # of others, which shrink when compressed
TABLE = "table.zst"
MAPPED_TABLE = "table.npy"  # in its place where it is large: read where it lies
VOCABULARY = "vocabulary.zst"
SCHEMA = "feature_schema.json.zst"
RECIPE = "recipe.json"
GOLDEN = "golden.json.zst"
CARD = "model_card.md"

# The graph's inputs; all but the first only where there are such fields.
IDS = "ids"  # int32 [batch, fields], or only the fields that are not in REQUEST_IDS
REQUEST_IDS = "request_ids"  # int32 [batch, fields], or [1, fields] for all: see FeatureSchema
NUMBERS = "numbers"  # float32 [batch, numbers], scaled
VECTORS = "vectors"  # float32 [batch, their lengths together], one after the other
PROBABILITY = "probability"  # its output: float32 [batch]; see `task_output` too
PADDING = -1
TABLE_WEIGHTS = "table"  # its initializer that is stored packed, in TABLE, and injected at load


def task_output(name: str) -> str:
    """The graph's output of a further task: float32 [batch]."""
    return f"{PROBABILITY}_{name}"


def list_input(name: str) -> str:
    """The graph's input of a list: int32 ids [batch, longest], or [1, longest] shared by all.

    Shorter lists end in `PADDING`.
    """
    return f"list_{name}"
