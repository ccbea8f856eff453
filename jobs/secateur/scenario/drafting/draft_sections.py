"""The sections of a draft as lines of TOML, each guess with its reason."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from secateur.scenario.drafting.columns import LogColumn
from secateur.scenario.drafting.inputs.input_guesses import InputGuesses, MadeInputs
from secateur.scenario.drafting.label_guesses import PER_POSITIVE
from secateur.scenario.drafting.night_guesses import NightGuess
from secateur.scenario.drafting.roles import Roles
from secateur.scenario.drafting.times.clocks import ClocksGuess
from secateur.scenario.drafting.times.years import YearGuess
from secateur.scenario.drafting.toml_text import key_line, toml_value
from secateur.scenario.raw_log.files import LogFiles
from secateur.scenario.raw_log.survey import LogSurvey
from secateur.scenario.sections.tables import TableFormat

_NO_SIDES = '# sides = [{ name = "items", path = "items.csv.gz", key = "..." }] # tables to join'
_MOST_ROWS_ASKED = 100
_FEW_LACK, _FEW_REPEAT = 0.02, 0.02
_SOME = 0.001
_AMOUNTS = {"quantity", "qty", "amount", "units"}

REST = """
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


@dataclass(frozen=True)
class LogTold:
    """The log and what of its files was told."""

    log: LogFiles
    table: TableFormat
    clocks: ClocksGuess
    year: YearGuess | None = None
    sides: tuple[str, ...] = ()  # lines of tables that lie beside the events


def logs_section(told: LogTold, roles: Roles, night: NightGuess, made: MadeInputs) -> Iterator[str]:
    """Where the log lies, how it is written, and the roles of its columns."""
    log, table = told.log, told.table
    yield "\n[logs]"
    yield key_line("uri", log.uri, "the folder of events/ and of side tables")
    if log.events != "events":
        yield key_line("events", log.events, "every log file below it is read")
    by = "files" if log.file_names or log.layout == "flat" else "folders"
    yield key_line("layout", log.layout, f"sure: as the {by} in {log.events}/ are named")
    if log.file_names:
        yield key_line("file_names", log.file_names, "sure: every file's name tells its day so")
    yield key_line("format", table.format, "sure: told by its first bytes and lines")
    if table.delimiter:
        yield key_line("delimiter", table.delimiter)
    if not table.header:
        yield key_line("header", False, "likely: the first row looks like all others")
        yield key_line("columns", table.columns, "made up: give them their names")
    yield key_line("user", roles.user.name, roles.user.comment)
    yield key_line("item", roles.item.name, roles.item.comment)
    if roles.time and roles.spelling:
        yield key_line("time", roles.time.name, roles.time.comment)
        yield key_line("time_format", roles.spelling.format)
        if told.year:
            yield key_line("time_year", told.year.year, f"{told.year.sure}: {told.year.why}")
    else:
        yield '# time = "..." # NOT FOUND: no column tells time; a night needs one'
    yield key_line("timezone", told.clocks.timezone, told.clocks.comment)
    yield key_line("window_days", night.window_days, "how many days a night looks back")
    if night.closed:
        yield key_line("closed", night.closed, "likely: none of its weeks has a row then")
    yield from told.sides or (_NO_SIDES,)
    if made.expressions:
        yield "[logs.expressions]"
        for name, (sql, why) in made.expressions.items():
            yield key_line(name, sql, why)


def label_section(roles: Roles, inputs: InputGuesses, found: LogSurvey) -> Iterator[str]:
    """What is to be learned."""
    yield f"\n[label] # {roles.label.sure}: {roles.label.why}"
    yield from (key_line(key, value) for key, value in roles.label.keys.items())
    if inputs.position:
        yield key_line("position", inputs.position, "likely: people look at the first items most")
    if inputs.aligned:
        yield key_line("aligned", inputs.aligned, "likely: lists as long as the items, row by row")
    if roles.label.draws_negatives:
        negatives = {
            "per_positive": PER_POSITIVE,
            "exclude": "event" if found.habits.retaken > _SOME else "past",
            "shared": list(inputs.shared),
            "item_columns": inputs.fields_of("item"),
        }
        yield key_line("negatives", negatives, "the only columns that drawn events can have")


def cleaning_section(columns: Sequence[LogColumn], roles: Roles, found: LogSurvey) -> Iterator[str]:
    """Which rows are read at all, which are the same event, and how many may be unusable."""
    yield "\n[cleaning]"
    conditions, reasons = _conditions(columns, roles, found)
    if conditions:
        yield key_line("where", " AND ".join(conditions), f"likely: {'; '.join(reasons)}")
    alike, why = _alike(columns, roles)
    yield key_line("deduplicate_on", alike, why)
    bad = found.unreadable + (0 if conditions else found.lacking)
    share = bad / max(found.rows, 1)
    budget = min(1.0, max(0.02, math.ceil(120 * share) / 100))
    yield key_line("quarantine_budget", budget, f"{share:.1%} of the rows are unusable")


def _conditions(
    columns: Sequence[LogColumn], roles: Roles, found: LogSurvey
) -> tuple[list[str], list[str]]:
    """SQL that rows must fulfil to be events of this label, and why."""
    conditions, reasons = [], []
    lacking = found.lacking / max(found.rows, 1)
    if lacking > _FEW_LACK:
        raw_item = roles.label.reads[0] if roles.label.shows_items else roles.item.name
        needed = [c for c in columns if c.name in (roles.user.name, raw_item) and not c.complete]
        context = roles.label.keys.get("context")
        also = f" OR {context['where']}" if isinstance(context, Mapping) else ""
        for column in needed:
            whole = f"trim(`{column.name}`) <> ''"
            conditions.append(f"({whole}{also})" if also and column.name == raw_item else whole)
        why = "have no user or no item: nothing to learn from"
        why = "show no list; of them those that touch an item are context" if also else why
        reasons.append(f"{lacking:.1%} of the rows {why}")
    amount = _amount(columns) if roles.label.draws_negatives else None
    negative = _negative_share(amount) if amount else 0.0
    if amount and negative:
        conditions.append(f"try_cast(`{amount.name}` AS double) > 0")
        reasons.append(f"{negative:.1%} of {amount.name} are below 1, as what is given back")
    return conditions, reasons


def _alike(columns: Sequence[LogColumn], roles: Roles) -> tuple[list[str] | str, str]:
    """The columns that make equal rows one event, or "none", and why."""
    if roles.unique:
        return [roles.unique.name], f"likely: {roles.unique.why}"
    raw_item = roles.label.reads[0] if roles.label.shows_items else roles.item.name
    if roles.time is None:
        return [column.name for column in columns], "equal rows are one event"
    key = [roles.user.name, raw_item, roles.time.name]
    by_name = {column.name: column for column in columns}
    parts = [by_name[name].values for name in key if name in by_name]
    rows = list(zip(*parts, strict=True))
    again = 1 - len(set(rows)) / max(len(rows), 1)
    if roles.spelling is not None and not roles.spelling.tells_minutes:
        why = f"likely: by {roles.time.name} alone many events look alike"
        return "none", why
    if again > _FEW_REPEAT:
        why = f"likely: {again:.1%} of the rows repeat user, item and time; equal ones are one"
        return [column.name for column in columns], why
    return key, "likely: equal rows are one event"


def _amount(columns: Sequence[LogColumn]) -> LogColumn | None:
    """The column that says how much was bought."""
    named = (column for column in columns if column.words[-1:] and column.words[-1] in _AMOUNTS)
    return next((column for column in named if column.numeric), None)


def _negative_share(amount: LogColumn) -> float:
    below = sum(n for value, n in amount.counts.items() if value.startswith("-") or value == "0")
    return below / max(len(amount.values), 1)


def features_section(
    roles: Roles, inputs: InputGuesses, made: MadeInputs, night: NightGuess
) -> Iterator[str]:
    """The splits, the counters and the inputs."""
    yield "\n[features]"
    yield key_line("tune_days", night.held_out_days)
    yield key_line("confirm_days", night.held_out_days)
    if made.session_column:
        yield key_line("session_column", made.session_column, "likely: its name and its users")
    yield "counters = ["
    yield from (f"    {toml_value(one.keys)}, # {one.comment}" for one in made.counters)
    yield "]"
    yield "fields = ["
    for field in (*inputs.fields, *made.fields):
        yield f"    {toml_value(field.keys)}, # {field.comment}"
    yield "]"
    for reason, names in inputs.left_out.items():
        yield f"# left out: {', '.join(names)} ({reason})"


def validation_section(roles: Roles, night: NightGuess) -> Iterator[str]:
    """What a night's data must satisfy."""
    rate = roles.label.rate
    yield "\n[validation]"
    least = max(1, min(_MOST_ROWS_ASKED, night.rows // 10))
    yield key_line("min_rows", least, "put here what a poor night still has")
    around = [round(rate / 3, 4), round(min(1.0, 3 * rate), 4)]
    yield key_line("label_rate", around, f"{rate:.1%} in the sample")


def training_section(night: NightGuess) -> Iterator[str]:
    """The dense model: trained until its holdout gets no better."""
    yield "\n[training]"
    yield key_line("architecture", "deepfm")
    yield key_line("hidden", [200, 200])
    yield key_line("dropout", 0.2)
    # Picked on the last train day of three logs. At 1e-3 and in batches of 512 KuaiRand, one flat
    # file, has a holdout AUC of .7289 there and its linear model .7301; at 5e-4, of 128, .7313.
    yield key_line("table_l2", 5e-4, "drives rare values to 0")
    yield key_line("batch_size", night.batch_size, f"about {night.rows:,} events are in the window")
    yield key_line("max_epochs", night.max_epochs, "at most: it stops where the holdout says so")
    yield key_line("patience", 4)
