"""Ids drawn by Zipf's law, of any number: what they are worth is planted."""

from itertools import pairwise

import numpy as np

from bench.data.raw_values import Log, log_of
from bench.data.splits import Splits, schema_of, split

FEATURES, FIELDS = 1_300_000, 10


def zipf_rows(rows: int) -> Splits:
    """So many rows of `FEATURES` ids in `FIELDS` fields.

    A twentieth of them is held out, and another is the test set.
    """
    size = FEATURES // FIELDS
    random = np.random.default_rng(0)
    ids = np.minimum(random.zipf(1.2, (rows, FIELDS)), size) - 1
    weights = random.normal(0, 0.5, (FIELDS, size))
    logits = weights[np.arange(FIELDS), ids].sum(1)
    labels = (random.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    sizes = {f"f{number}": size + 1 for number in range(FIELDS)}
    schema = schema_of("zipf", sizes, [*sizes][FIELDS // 2 :])
    ends = (0, rows // 20, rows // 10, rows)
    held, test, train = (split(ids[a:b], labels[a:b]) for a, b in pairwise(ends))
    return Splits(f"{FEATURES:,} features, Zipf", schema, train, held, test)


def zipf_log(rows: int) -> Log:
    """The same with every value spelled as 8 random hex digits."""
    made = zipf_rows(rows)
    drawn = np.random.default_rng(1).choice(1 << 32, FEATURES // FIELDS + 1, replace=False)
    tokens = [f"{token:08x}" for token in drawn.tolist()]
    return log_of(made, {field.name: tokens for field in made.schema.categories})
