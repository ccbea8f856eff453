"""Bytes and microseconds of a model of given shapes, predicted before it is packaged.

A request column is encoded once, a candidate column for each of its rows: so these take most of
the time that a pruned model needs for a request.

The search ranks configurations by this, and nothing is judged on it: packages are measured. The
constants are of one core (a 3x400 tower at 256 rows took 1,285 us in fp32 and 457 us in int8) and
of packages of these scenarios: besides the model's part, a request takes a constant time and so
much a column.
"""

from collections.abc import Mapping

from secateur.contracts.candidates import Recipe
from secateur.contracts.features import CategoryField, FeatureSchema, ListField
from secateur.contracts.models import ModelSpec
from secateur.contracts.search import Cost
from secateur.model.architectures.network_settings import shapes_of

ROWS = 256
US_A_PRODUCT = {32: 8.8e-6, 8: 3.1e-6}  # multiply-adds, by the tower's bits
US_A_LOOKUP = 5e-3
US_A_CALL = 80.0
US_A_VALUE = 1.2  # of a request column, given once
US_A_COLUMN = {"text": 20.0, "numbers": 8.0, "lists": 250.0}  # of candidates
BYTES_A_KEY = {"frequency": 5.0, "ascending": 1.6}  # of a vocabulary, compressed
OTHER_BYTES = 12_000  # graph, schema, golden rows, card


def encoding_us(schema: FeatureSchema) -> dict[str, float]:
    """Microseconds that each input's values take in a request of 256 rows, by name."""
    kinds = {CategoryField: "text", ListField: "lists"}
    return {
        field.name: US_A_COLUMN[kinds.get(type(field), "numbers")]
        if field.owner == "item"
        else US_A_VALUE
        for field in schema.inputs
    }


def predict_cost(spec: ModelSpec, recipe: Recipe, encoding: Mapping[str, float]) -> Cost:
    """Bytes of the package, and microseconds a request of 256 rows.

    `encoding` is that of `CalibrationData`.
    """
    rows, dim = sum(spec.rows), spec.embedding_dim
    weights = shapes_of(spec.architecture).multiply_adds(spec)
    first_order = 4 if recipe.embedding_bits == 32 else recipe.first_order_bits / 8
    keys = BYTES_A_KEY[recipe.vocabulary]
    table = rows * (dim * recipe.embedding_bits / 8 + first_order)
    stored = table + rows * keys + weights * recipe.tower_bits / 8 + OTHER_BYTES
    lookups = ROWS * spec.embedding_count * US_A_LOOKUP
    multiplied = ROWS * weights * US_A_PRODUCT[max(8, recipe.tower_bits)]
    encoded = sum(encoding.get(name, US_A_VALUE) for name in spec.inputs)
    us = US_A_CALL + encoded + lookups + multiplied
    return Cost(round(stored), round(us, 1))
