"""Whether a package's files hold what was packed into them, of every row and value.

Held-out rows read some of these alone; a value that no such row holds is served, too.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from secateur.contracts.errors import SkewRefused
from secateur.contracts.features import FeatureSchema
from secateur.serving.files.package import Contents
from secateur.serving.files.tables import Table
from secateur.serving.files.vocabulary import HASH_BITS, Hashes


def demand_files_as_packed(
    contents: Contents, schema: FeatureSchema, table: Table, values: Mapping[str, Sequence[str]]
) -> None:
    """Raises SkewRefused where files give another schema, `table` [rows, dim + 1], or `values`."""
    wrong = int((contents.table != table).any(axis=1).sum())
    complaints = [f"{wrong} rows of the table"] if wrong else []
    complaints += ["the schema"] if contents.schema != schema else []
    for name, packed in values.items():
        wrong = _count_others(contents.vocabulary[name], packed)
        complaints += [f"{wrong} values of {name}"] if wrong else []
    if complaints:
        raise SkewRefused(f"the files do not hold what was packed: {', '.join(complaints)}")


def _count_others(found: Sequence[str] | Hashes, packed: Sequence[str]) -> int:
    """How many values were packed otherwise; of hashes the bits that are stored are compared."""
    if isinstance(found, Hashes):
        dropped = np.uint64(HASH_BITS - found.bits)
        hashes = np.array([int(value, 16) for value in packed], np.uint64)
        return int((found.prefixes != hashes >> dropped).sum())
    return sum(one != other for one, other in zip(found, packed, strict=True))
