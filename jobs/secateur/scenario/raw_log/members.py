"""Members of objects and structs as columns of their own, named by path.

`user.id` is the member `id` of the object or struct `user`; of an array of objects, `seen.id` is
the array of their `id`. A column that is itself named `user.id` is named so too; a file that has
both is refused. A JSON object of very many members is a table by itself, such as scores by item: it
stays one value, its JSON text, and so does what is an object in one row and none in another.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import pyarrow as pa
import pyarrow.compute as pc

MOST_MEMBERS = 100
_LISTS = (
    pa.types.is_list,
    pa.types.is_large_list,
    pa.types.is_fixed_size_list,
    pa.types.is_list_view,
    pa.types.is_large_list_view,
)


class PathStep(NamedTuple):
    """A key on the way to a value; `many` where it holds an array of objects."""

    key: str
    many: bool = False


Path = tuple[PathStep, ...]


def name_of(path: Path) -> str:
    """The column's name."""
    return ".".join(step.key for step in path)


def json_members(rows: Iterable[Mapping[str, object]]) -> list[Path]:
    """The path of every column of JSON rows, in the order they come."""
    top = _Node()
    for row in rows:
        top.add(row)
    return [path for key, node in top.members.items() for path in node.paths(key)]


def hollow_members(rows: Iterable[Mapping[str, object]]) -> set[str]:
    """The names of what is null, {} or [] in all JSON rows that have it."""
    top = _Node()
    for row in rows:
        top.add(row)
    return {name for key, node in top.members.items() for name in node.hollow(key)}


def parquet_members(schema: pa.Schema) -> list[tuple[Path, pa.DataType]]:
    """The path of every column of a Parquet file, and its type."""
    return [found for one in schema for found in _members(one)]


def is_list(kind: pa.DataType) -> bool:
    """Whether values of a type are arrays, of any length or of one."""
    return any(is_one(kind) for is_one in _LISTS)


def value_named(row: object, name: str) -> object:
    """The value of a column in a row of JSON, None where the row does not reach so far."""
    if isinstance(row, list):
        return [value_named(one, name) for one in row]
    if not isinstance(row, Mapping) or name in row:
        return row.get(name) if isinstance(row, Mapping) else None
    parts = name.split(".")
    heads = (".".join(parts[:n]) for n in range(1, len(parts)))
    head = next((one for one in heads if one in row), None)
    return None if head is None else value_named(row[head], name[len(head) + 1 :])


def arrow_column(batch: pa.RecordBatch, path: Path) -> Sequence[object]:
    """The values [rows] at the end of a path, as Arrow's scalars; of an array of structs lists."""
    first, *rest = path
    column = batch.column(first.key)
    if any(step.many for step in path):
        return [value_named(value, name_of(tuple(rest))) for value in column.to_pylist()]
    for step in rest:
        column = pc.struct_field(column, step.key)
    return cast("Sequence[object]", column)


@dataclass
class _Node:
    """What JSON rows hold below one key."""

    kinds: set[str] = field(default_factory=set)
    members: dict[str, "_Node"] = field(default_factory=dict)

    def add(self, value: object) -> None:
        """Look at one more row's value; null tells nothing."""
        values = value if isinstance(value, list) else [value]
        objects = [one for one in values if isinstance(one, Mapping)]
        if len(objects) < len(values):
            self.kinds |= {"value"} if value is not None else set()
            return
        is_array = isinstance(value, list)
        self.kinds.add("empty" if not objects else "objects" if is_array else "object")
        for one in objects:
            for key, inside in one.items():
                self.members.setdefault(key, _Node()).add(inside)

    def hollow(self, key: str) -> Iterator[str]:
        """What holds no value, of this key and those below it."""
        if not self.members and "value" not in self.kinds:
            yield key
        for name, node in self.members.items():
            yield from (f"{key}.{one}" for one in node.hollow(name))

    def paths(self, key: str, inside_list: bool = False) -> Iterator[Path]:
        """The paths of the values below it."""
        many = "objects" in self.kinds
        is_one_kind = self.kinds <= {"objects", "empty"} or self.kinds == {"object"}
        if not 0 < len(self.members) <= MOST_MEMBERS or not is_one_kind or (many and inside_list):
            yield (PathStep(key),)
            return
        for name, node in self.members.items():
            yield from (
                (PathStep(key, many), *rest) for rest in node.paths(name, inside_list or many)
            )


def _members(field: pa.Field, inside_list: bool = False) -> Iterator[tuple[Path, pa.DataType]]:
    """The paths below a field, with their types."""
    kind = field.type
    many = is_list(kind) and not inside_list
    struct = kind.value_type if many else kind
    if not pa.types.is_struct(struct) or not struct.num_fields:
        yield (PathStep(field.name),), kind
        return
    for member in struct.fields:
        for path, found in _members(member, inside_list or many):
            yield (PathStep(field.name, many), *path), pa.list_(found) if many else found
