"""Whether a package's schema is that of the features, in what no held-out row would tell.

A wrong scale shows in what the client encodes. That the label has another name, or that ids are
hashed with another key, shows nowhere before a service asks.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

from secateur.contracts.errors import SkewRefused
from secateur.contracts.features import FeatureSchema

_OF_ALL = ("scenario", "label", "tasks", "id_key", "slices", "missing")
_OF_A_FIELD = ("owner", "hashed")
_KEYED_HASH = re.compile("[0-9a-f]{16}")


def demand_learned_schema(
    schema: FeatureSchema, learned: FeatureSchema, vocabulary: Mapping[str, Sequence[str]]
) -> None:
    """Raises SkewRefused where a package's `schema` tells otherwise than the features' `learned`.

    Inputs that pruning took out are not looked at. `vocabulary[field]` has the values by id.
    """
    complaints = [*_differences(schema, learned), *_without_hashes(schema, vocabulary)]
    if complaints:
        raise SkewRefused(f"the package's schema is not the features': {'; '.join(complaints)}")


def _differences(schema: FeatureSchema, learned: FeatureSchema) -> Iterator[str]:
    for name in _OF_ALL:
        found, wanted = getattr(schema, name), getattr(learned, name)
        if found != wanted:
            yield f"{name} is {found!r} instead of {wanted!r}"
    fields = {field.name: field for field in learned.inputs}
    for field in schema.inputs:
        for name in _OF_A_FIELD:
            found, wanted = (getattr(one, name, None) for one in (field, fields[field.name]))
            if found != wanted:
                yield f"{name} of {field.name} is {found!r} instead of {wanted!r}"


def _without_hashes(
    schema: FeatureSchema, vocabulary: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    for field in schema.categories:
        values = vocabulary[field.name] if field.hashed else ()
        wrong = [value for value in values if not _KEYED_HASH.fullmatch(value)]
        if wrong:
            yield f"{field.name} is hashed, but {len(wrong)} of its values are no keyed hashes"
