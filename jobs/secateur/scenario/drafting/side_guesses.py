"""Tables that lie beside a log's events and share a column with them: lines that would join them.

They stay comments: of a table without dates nothing tells whether it knew of later events.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

from secateur.contracts.errors import UsageError
from secateur.scenario.drafting.toml_text import toml_value
from secateur.scenario.raw_log.files import LogFiles
from secateur.scenario.raw_log.reading import column_names, log_rows
from secateur.scenario.raw_log.sample import recognize
from secateur.scenario.sections.tables import TableFormat

_MOST = 10  # files that are looked at
_ROWS = 1000


def side_lines(log: LogFiles, keys: Sequence[str]) -> Iterator[str]:
    """A line of TOML, commented out, for each table beside the events that has one of the keys."""
    files = [file for file in sorted(log.root.iterdir()) if file.is_file()][:_MOST]
    for file in files if log.events == "events" else ():
        try:
            table = recognize(file)
            columns = column_names(file, table)
            key = next((key for key in keys if key in columns), None)
            if key is None or not _is_key(file, table, key):
                continue
        except UsageError:
            continue
        side: dict[str, object] = {"name": file.name.partition(".")[0].lower(), "path": file.name}
        side |= {"format": table.format} if table.format != "csv" else {}
        side |= {"delimiter": table.delimiter} if table.delimiter else {}
        others = ", ".join(column for column in columns if column != key)
        yield (
            f"# sides = [{toml_value(side | {'key': key})}] # NOT SURE: would join {others}, if "
            "they were so before the events"
        )


def _is_key(file: Path, table: TableFormat, key: str) -> bool:
    seen: set[str | None] = set()
    for number, row in enumerate(log_rows(file, table, [key])):
        if row is None or row[0] in seen:
            return False
        if number >= _ROWS:
            break
        seen.add(row[0])
    return bool(seen)
