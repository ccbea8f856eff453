"""Types of a Parquet log's columns: whether those of two files have a common one.

Every column becomes text by its values, so whole numbers, fractions and their texts agree, whatever
type a day's file holds them in. Instants, arrays and structs have no such common text.
"""

from collections.abc import Sequence

import pyarrow as pa
from pyarrow import types

from secateur.contracts.errors import Refused
from secateur.events.reading.raw_file import RawFile

_ANY = ""
_FAMILIES = {
    _ANY: (types.is_null,),
    "number": (types.is_boolean, types.is_integer, types.is_floating, types.is_decimal),
    "text": (
        types.is_string,
        types.is_large_string,
        types.is_binary,
        types.is_large_binary,
        types.is_fixed_size_binary,
    ),
}
_LISTS = (types.is_list, types.is_large_list, types.is_fixed_size_list)


def demand_common_types(files: Sequence[RawFile]) -> None:
    """Insist that each column has a common type in all files. Raises Refused naming two files."""
    first: dict[str, tuple[RawFile, pa.DataType]] = {}
    for file in files:
        for name, kind in zip(file.columns, file.schema.types if file.schema else (), strict=False):
            other, wanted = first.get(name, (file, kind))
            if not _agree(_family(wanted), _family(kind)):
                raise Refused(
                    f"{other.key} holds {name} as {wanted}, {file.key} as {kind}: "
                    "they have no common type"
                )
            if _family(wanted) == _ANY:
                other, wanted = file, kind
            first[name] = (other, wanted)


def _agree(one: str, other: str) -> bool:
    return one == other or _ANY in (one, other) or {one, other} == {"number", "text"}


def _family(kind: pa.DataType) -> str:
    """What a type's values are: types of one family have a common text by value."""
    if types.is_dictionary(kind):
        return _family(kind.value_type)
    if types.is_timestamp(kind):
        return "instant" if kind.tz else "local time"
    if any(is_list(kind) for is_list in _LISTS):
        return f"list of {_family(kind.value_type)}"
    families = (family for family, tests in _FAMILIES.items() if any(is_(kind) for is_ in tests))
    return next(families, str(kind))
