"""One raw file that has been read to its end."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa


@dataclass(frozen=True)
class RawFile:
    """One file: its key in the log's store, and what was found in it.

    `path` is what Spark reads: a link to the file, or a copy that it can read, under a name of our
    own, so that no character of the file's name matters. `day` is its folder's, None in a flat log.
    `names` gives each field's known name, in the file's order. `header` is the line that names the
    columns, None where there is none. `records` are its rows, or its lines that are not blank, the
    header among them. `schema` is a Parquet file's. Files of one `shape` are read in one way.
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

    @property
    def columns(self) -> tuple[str, ...]:
        """The known names of its columns, in its order."""
        return tuple(self.names.values())

    @property
    def has_rows(self) -> bool:
        """Whether there is anything besides a header."""
        return self.records > (self.header is not None)
