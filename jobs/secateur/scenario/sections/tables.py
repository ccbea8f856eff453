"""How the files of a table are written, and the tables that are joined to the events."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from secateur.section import Fraction, Name, Section

Format = Literal["csv", "tsv", "json_lines", "parquet"]
DELIMITERS = {"csv": ",", "tsv": "\t"}
_NO_DELIMITERS = set('"\r\n')
QUOTES = {"csv": '"', "tsv": ""}


class TableFormat(Section):
    """How the files of a table are written.

    Their compression is told by the name: .gz, .bz2, .zst, or whatever a Parquet file says of
    itself.
    """

    format: Format = "csv"
    """How the files are written. TSV has no quotes: a `"` there is text."""
    header: bool = True
    """Whether the first line of a CSV or TSV file names the columns."""
    columns: tuple[str, ...] = ()
    """Names of the columns in their order, where there is no header, and only there."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Character between two columns. Default: a comma in CSV, a tab in TSV."""

    @property
    def separator(self) -> str:
        """The character between two columns of CSV or TSV."""
        return self.delimiter or DELIMITERS[self.format]

    @model_validator(mode="after")
    def _columns_are_named_once(self) -> Self:
        delimited = self.format in DELIMITERS
        if delimited and self.header == bool(self.columns):
            raise ValueError("name the columns where there is no header, and only there")
        if self.delimiter and self.delimiter in _NO_DELIMITERS:
            raise ValueError(f"{self.delimiter!r} ends or quotes a value: it cannot delimit two")
        if not delimited and (self.columns or self.delimiter or not self.header):
            raise ValueError(f"{self.format} names its columns itself: no header, no delimiter")
        return self


class SideTable(TableFormat):
    """A table that is joined to every event: one file, one row a key, or a row a version of it."""

    name: Name
    """Name of the table."""
    path: str
    """Its file, below the log's `uri`."""
    key: str
    """Column of both the events and the table that joins them."""
    valid_from: str | None = None
    """Column of the time from which a row holds, up to its key's next: an event is joined to the
    row that held when it happened. Default: a key has one row, which is taken to have held always,
    so that past events are joined to what became known later."""
    valid_from_format: str | None = None
    """How `valid_from` tells time. Default: `time_format` of the log."""
    min_match: Fraction = 0.5
    """Share of the events that have the key, at least, that must find a row."""
