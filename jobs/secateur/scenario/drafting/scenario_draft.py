"""A scenario to start from, for a log file: each guess is a TOML key, its reason a comment."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from secateur.scenario.drafting.columns import LogColumn, describe_columns
from secateur.scenario.drafting.field_guesses import InputGuesses, guess_fields
from secateur.scenario.drafting.log_sample import ROWS, recognize, sample
from secateur.scenario.drafting.roles import Roles, guess_roles
from secateur.scenario.loading import PROJECT
from secateur.scenario.sections.logs import TableFormat

_DAY, _HOUR = re.compile(r"date=\d{4}-\d{2}-\d{2}"), re.compile(r"hour=\d{2}")
_MIN_ROWS = 100

_REST = """
[training]
architecture = "deepfm"
hidden = [200, 200]
dropout = 0.2
batch_size = 512

[judgement]
margin = 0.01 # the AUC that a smaller model may lose

[release]
channel = "latest"

[[candidates]]
name = "int8"
embedding_bits = 8
tower_bits = 8
vocabulary = "ascending"

[[candidates]]
name = "hybrid"
steps = [
    { granularity = "embedding_row", criterion = "frequency", min_count = 5 },
    { granularity = "neuron", criterion = "taylor", keep = 0.25 },
]
repair_epochs = 0.25
embedding_bits = 8
tower_bits = 8
vocabulary = "ascending"
"""


def draft_scenario(path: Path, limit: int = ROWS) -> str:
    """The TOML of a scenario for the log that `path` is a file of. Raises UsageError.

    Only the first `limit` rows are read. No value of the user's column is ever shown.
    """
    table = recognize(path)
    columns = describe_columns(sample(path, table, limit))
    roles = guess_roles(columns)
    inputs = guess_fields(columns, roles)
    rows = len(columns[0].values) if columns else 0
    parts = (
        _head(path, rows),
        _logs_section(path, table, roles),
        _label_section(roles, inputs),
        _cleaning_section(columns, roles),
        _features_section(roles, inputs),
        _validation_section(roles),
    )
    return "\n".join(line for part in parts for line in part) + "\n" + _REST


def _head(path: Path, rows: int) -> Iterator[str]:
    name = re.sub(r"[^a-z0-9]+", "_", path.name.partition(".")[0].lower()).strip("_")
    yield f"# Drafted from the first {rows:,} rows of {path.name}: every line is a guess to check."
    yield "# Read it, put right what is wrong, then: secateur scenario check --logs THIS_FILE"
    yield _pair("name", name if name[:1].isalpha() else f"log_{name}".rstrip("_"))
    yield _pair("title", f"Drafted from {path.name}")
    yield _pair("seed", 1)


def _logs_section(path: Path, table: TableFormat, roles: Roles) -> Iterator[str]:
    layout, events, uri = _layout_of(path)
    yield "\n[logs]"
    yield _pair("uri", uri, "the folder of events/ and of side tables")
    if events != "events":
        yield _pair("events", events, "every log file below it is read")
    yield _pair("layout", layout, f"as the file's folder is named: {path.absolute().parent.name}/")
    yield _pair("format", table.format, "told by its first bytes and lines")
    if table.delimiter:
        yield _pair("delimiter", table.delimiter)
    if not table.header:
        yield _pair("header", False, "the first row looks like all others")
        yield _pair("columns", list(table.columns), "made up: give them their names")
    yield _pair("user", roles.user.name, roles.user.why)
    yield _pair("item", roles.item.name, roles.item.why)
    if roles.time and roles.spelling:
        yield _pair("time", roles.time.name, roles.time.why)
        yield _pair("time_format", roles.spelling.format)
    else:
        yield _pair("time", "time", "NOT FOUND: no column tells time; a night needs one")
    yield _pair("timezone", "UTC", "whose clocks tell the days? for instance Asia/Shanghai")
    yield _pair("window_days", 14, "how many days a night looks back")
    yield '# sides = [{ name = "items", path = "items.csv.gz", key = "..." }] # tables to join'


def _layout_of(path: Path) -> tuple[str, str, str]:
    """Layout, name of the events' folder, and the log's URI, for a file of it."""
    folder, layout = path.absolute().parent, "flat"
    if _HOUR.fullmatch(folder.name):
        folder, layout = folder.parent, "hour"
    if _DAY.fullmatch(folder.name):
        folder, layout = folder.parent, "day" if layout == "flat" else layout
    root = folder.parent
    within = root.is_relative_to(PROJECT)
    return layout, folder.name, str(root.relative_to(PROJECT) if within else root)


def _label_section(roles: Roles, inputs: InputGuesses) -> Iterator[str]:
    yield f"\n[label] # {roles.label.why}"
    yield from (_pair(key, value) for key, value in roles.label.keys.items())
    if roles.label.keys["kind"] == "purchase":
        owned = {
            owner: [f.keys["name"] for f in inputs.fields[2:] if f.keys["owner"] == owner]
            for owner in ("user", "item")
        }
        negatives = {"per_positive": 4, "shared": owned["user"], "item_columns": owned["item"]}
        yield _pair("negatives", negatives, "the only columns that drawn events can have")


def _cleaning_section(columns: tuple[LogColumn, ...], roles: Roles) -> Iterator[str]:
    yield "\n[cleaning]"
    raw_item = roles.label.reads[0] if roles.label.items else roles.item.name
    parts = [roles.user.name, raw_item, roles.time.name if roles.time else "time"]
    alike = [roles.unique.name] if roles.unique else parts
    why = roles.unique.why if roles.unique else "equal rows are one event"
    yield _pair("deduplicate_on", alike, why)
    needed = [c.values for c in columns if c.name in (roles.user.name, roles.item.name)]
    rows = list(zip(*needed, strict=True))
    missing = sum(None in row for row in rows) / max(len(rows), 1)
    budget = max(0.02, math.ceil(120 * missing) / 100)
    yield _pair("quarantine_budget", budget, f"{missing:.1%} of the sample lack the user or item")


def _features_section(roles: Roles, inputs: InputGuesses) -> Iterator[str]:
    rate = round(roles.label.rate, 3)
    yield "\n[features]"
    yield "counters = ["
    for key, owner in dict.fromkeys(((roles.user.name, "user"), (roles.item.name, "item"))):
        entry = {"keys": [key], "owner": owner, "freshness": "day", "prior_rate": rate}
        yield f"    {_toml(entry)},"
    yield "]"
    yield "fields = ["
    for field in inputs.fields:
        yield f"    {_toml(field.keys)}, # {field.why}"
    yield "]"
    for reason, names in inputs.left_out.items():
        yield f"# left out: {', '.join(names)} ({reason})"


def _validation_section(roles: Roles) -> Iterator[str]:
    rate = roles.label.rate
    yield "\n[validation]"
    yield _pair("min_rows", _MIN_ROWS, "put here what a poor night still has")
    around = [round(rate / 3, 4), round(min(1.0, 3 * rate), 4)]
    yield _pair("label_rate", around, f"{rate:.1%} in the sample")


def _pair(key: str, value: object, why: str = "") -> str:
    return f"{key} = {_toml(value)}" + (f" # {why}" if why else "")


def _toml(value: object) -> str:
    """A TOML value; a string of JSON is one of TOML."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {_toml(part)}' for key, part in value.items())} }}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
