"""A raw file read to its end, before Spark sees it: is it whole, and what is in it?

Each file is examined on its own: here where there is little to read, else in Spark's tasks.
"""

import csv
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from secateur.contracts.errors import ObjectMissing, Refused
from secateur.events.reading.member_columns import demand_readable
from secateur.events.reading.raw_file import RawFile
from secateur.scenario import TableFormat
from secateur.scenario.raw_log.column_names import NamingRules, named_cells, names_by_field
from secateur.scenario.raw_log.compressed_text import (
    DAMAGE,
    UnpackedText,
    count_records,
    is_utf8,
)
from secateur.scenario.raw_log.members import Path as MemberPath
from secateur.scenario.raw_log.members import (
    hollow_members,
    json_members,
    name_of,
    parquet_members,
)
from secateur.scenario.sections.tables import DELIMITERS, QUOTES
from secateur.spark import session
from secateur.storage import local_path, open_store

MUCH = 256 << 20  # bytes, from which on it is worth to start Spark's tasks
_SAMPLED_LINES = 1000  # of a JSON file, to learn the names of its columns
_OVERLAP = 1 << 10  # bytes, more than a column's name has


@dataclass(frozen=True)
class UnreadFile:
    """A file to be examined: its store, its key and size, its day, and where Spark will find it.

    `staged` is a path without a suffix.
    """

    store: str
    key: str
    bytes: int
    day: str | None
    staged: Path


@dataclass(frozen=True)
class _Search:
    """Looks for names of JSON columns that the first lines do not have."""

    names: frozenset[str]
    found: set[str] = field(default_factory=set)

    def look_through(self, blocks: Iterable[bytes]) -> Iterator[bytes]:
        """The same blocks, each looked at."""
        before = b""
        for block in blocks:
            for name in self.names - self.found:
                spelled = re.escape(json.dumps(name, ensure_ascii=False).encode())
                if re.search(spelled + rb"\s*:", before + block):
                    self.found.add(name)
            before = block[-_OVERLAP:]
            yield block


def examine_files(
    files: Sequence[UnreadFile], table: TableFormat, rules: NamingRules
) -> tuple[RawFile, ...]:
    """Examine files that are written as `table` says. Raises Refused where one is not whole."""
    examine = partial(_examine, table=table, rules=rules)
    if sum(file.bytes for file in files) < MUCH:
        found = list(map(examine, files))
    else:
        found = session().sparkContext.parallelize(files, len(files)).map(examine).collect()
    for one in found:
        if isinstance(one, Refused):
            raise one
    return tuple(one for one in found if isinstance(one, RawFile))


def _examine(file: UnreadFile, table: TableFormat, rules: NamingRules) -> RawFile | Refused:
    file.staged.parent.mkdir(parents=True, exist_ok=True)
    try:
        path = _local_copy(file)
        if table.format == "parquet":
            return _examine_parquet(file, path, rules)
        return _examine_text(file, path, table, rules)
    except ObjectMissing:
        return Refused(f"{file.store}: no file {file.key}")
    except (pa.ArrowException, *DAMAGE) as error:
        return Refused(f"{file.key} cannot be read to its end: {error}")
    except Refused as error:
        said = str(error)
        return error if file.key in said else Refused(f"{file.key} cannot be read: {said}")


def _local_copy(file: UnreadFile) -> Path:
    """The file where it lies, or copied from an object store."""
    store = open_store(file.store)
    folder = local_path(store.uri)
    if folder is not None:
        path = folder / file.key
        if not path.is_file():
            raise ObjectMissing(file.key)
        return path
    copy = file.staged.with_name(f"{file.staged.name}-{Path(file.key).name}")
    copy.write_bytes(store.get(file.key).data)
    return copy


def _examine_parquet(file: UnreadFile, path: Path, rules: NamingRules) -> RawFile:
    whole = pq.ParquetFile(path)
    schema = _stored_schema(whole)
    members = parquet_members(schema)
    fields = [(name_of(path), kind) for path, kind in members]
    for name, kind in fields:
        demand_readable(name, kind)
    names = names_by_field(file.key, [name for name, _ in fields], rules)
    staged = _link(path, file.staged.with_suffix(".parquet"))
    return RawFile(
        file.key,
        staged,
        file.day,
        names,
        None,
        _sha256(path),
        records=whole.metadata.num_rows,
        shape=_parquet_shape(whole),
        schema=pa.schema(fields),
        paths={name_of(path): path for path, _ in members},
    )


def _stored_schema(file: pq.ParquetFile) -> pa.Schema:
    """The columns as they are stored; INT96, which Spark and Hive wrote, holds instants."""
    schema = file.schema_arrow.remove_metadata()
    for stored in map(file.schema.column, range(len(file.schema))):
        if stored.physical_type == "INT96" and stored.path in schema.names:
            place = schema.get_field_index(stored.path)
            schema = schema.set(place, pa.field(stored.path, pa.timestamp("ns", "UTC")))
    return schema


def _parquet_shape(file: pq.ParquetFile) -> str:
    """The columns with their types, as they are stored."""
    _, *columns = str(file.schema).splitlines()
    return "\n".join(columns)


def _examine_text(file: UnreadFile, path: Path, table: TableFormat, rules: NamingRules) -> RawFile:
    is_json = table.format not in DELIMITERS
    staged = _stage_text(file, path)
    text = UnpackedText(staged)
    lines = text.first_lines(_SAMPLED_LINES)
    if not lines:
        lacks = "not a row" if is_json else "not even a header"
        raise Refused(f"{file.key} is empty: {lacks} ({path.stat().st_size} bytes)")
    header = _demand_utf8(lines[0]) if table.header and not is_json else None
    rows = _json_rows(lines) if is_json else []
    paths = _json_paths(rows)
    fields = [*paths] if is_json else _delimited_fields(header, table)
    search = _Search(rules.sought - set(fields) if is_json else frozenset())
    records = count_records(search.look_through(text))
    if text.is_padded:
        staged = _unpack(text, file.staged)
    names = names_by_field(file.key, [*fields, *sorted(search.found)], rules)
    shape = "" if is_json else table.separator.join(fields)
    digest = _sha256(path)
    return RawFile(
        file.key,
        staged,
        file.day,
        names,
        header,
        digest,
        records,
        shape,
        paths=paths,
        hollow=frozenset(hollow_members(rows)),
    )


def _stage_text(file: UnreadFile, path: Path) -> Path:
    """Link to text that Spark can read; zstd text, for which it has no codec, is unpacked."""
    text = UnpackedText(path)
    if text.compression == ".zst":
        return _unpack(text, file.staged)
    return _link(path, file.staged.with_suffix(text.compression or ".txt"))


def _link(path: Path, staged: Path) -> Path:
    staged.unlink(missing_ok=True)
    staged.symlink_to(path.absolute())
    return staged


def _unpack(text: UnpackedText, staged: Path) -> Path:
    target = staged.with_suffix(".txt")
    with target.open("wb") as unpacked:
        unpacked.writelines(text)
    return target


def _demand_utf8(header: str) -> str:
    """Insist that a header can be read, so that its names are what its writer meant.

    Raises Refused.
    """
    if not is_utf8(header):
        raise Refused("its first line, which names the columns, is not UTF-8: deliver it as UTF-8")
    return header


def _delimited_fields(header: str | None, table: TableFormat) -> list[str]:
    if header is None:
        return list(table.columns)
    quote = QUOTES[table.format] or None
    try:
        (cells,) = csv.reader(
            [header],
            delimiter=table.separator,
            quotechar=quote,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        )
    except csv.Error as error:
        raise Refused(f"its first line is no header: {error}") from error
    return named_cells(cells)


def _json_rows(lines: Iterable[str]) -> list[dict[str, object]]:
    """The objects that the lines are. Raises Refused where none is one."""
    rows = []
    for line in filter(is_utf8, lines):
        try:
            row = json.loads(line)
        except ValueError:
            continue  # quarantined as malformed later
        if isinstance(row, dict):
            rows.append(row)
    if not rows:
        raise Refused("none of its first lines is a JSON object")
    return rows


def _json_paths(rows: Sequence[Mapping[str, object]]) -> dict[str, MemberPath]:
    """The fields of the first rows, in the order they come; rows may lack some."""
    paths = json_members(rows)
    found = {name_of(path): path for path in paths}
    if len(found) < len(paths):
        twice = sorted({name for name in found if [*map(name_of, paths)].count(name) > 1})
        raise Refused(f"it has two columns of one name: {', '.join(twice)}")
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
