"""One raw file that has been read to its end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from secateur.scenario.raw_log.members import Path as MemberPath
from secateur.scenario.raw_log.members import PathStep


@dataclass(frozen=True)
class RawFile:
    """One file: its key in the log's store, and what was found in it.

    `path` is what Spark reads: a link to the file, or a copy that it can read, under a name of our
    own, so that no character of the file's name matters. `day` is its folder's, None in a flat log.
    `names` gives each field's known name, in the file's order; `paths` say where a row of JSON or
    Parquet holds it. `header` is the line that names the columns, None where there is none.
    `records` are its rows, or its lines that are not blank, the header among them. `schema` has the
    type of each field of a Parquet file, `hollow` are fields of JSON without a value in its first
    rows. Files of one `shape` are read in one way.
    """

    key: str
    path: Path
    day: str | None
    names: Mapping[str, str]
    header: str | None
    sha256: str
    records: int
    shape: str = ""
    schema: pa.Schema | None = None
    paths: Mapping[str, MemberPath] = field(default_factory=dict)
    hollow: frozenset[str] = frozenset()

    @property
    def columns(self) -> tuple[str, ...]:
        """The known names of its columns, in its order."""
        return tuple(self.names.values())

    def path_of(self, name: str) -> MemberPath:
        """Where a row holds the field."""
        return self.paths.get(name, (PathStep(name),))

    def stored_type(self, column: str) -> pa.DataType | None:
        """The type in which a Parquet file holds a column; None of text."""
        types = self.schema.types if self.schema else [None] * len(self.names)
        found = (kind for one, kind in zip(self.columns, types, strict=True) if one == column)
        return next(found, None)

    @property
    def has_rows(self) -> bool:
        """Whether there is anything besides a header."""
        return self.records > (self.header is not None)
