"""A scenario to start from, for a log: each guess is a TOML key, its reason a comment."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from secateur.contracts.errors import UsageError
from secateur.scenario.drafting import draft_sections as sections
from secateur.scenario.drafting.columns import LogColumn, describe_columns, in_rows
from secateur.scenario.drafting.inputs.field_guesses import guess_fields
from secateur.scenario.drafting.inputs.input_guesses import InputGuesses, MadeInputs
from secateur.scenario.drafting.inputs.made_inputs import InputMaker
from secateur.scenario.drafting.night_guesses import FEWEST_DAYS, NightGuess, guess_night
from secateur.scenario.drafting.roles import Roles, guess_roles
from secateur.scenario.drafting.side_guesses import side_lines
from secateur.scenario.drafting.times.clocks import ClocksGuess, DayTold, guess_clocks
from secateur.scenario.drafting.times.time_guesses import local_time
from secateur.scenario.drafting.times.time_spellings import tells_instant
from secateur.scenario.drafting.times.years import YearGuess, guess_year
from secateur.scenario.drafting.toml_text import key_line
from secateur.scenario.raw_log.column_names import NamingRules, known_name, own_names
from secateur.scenario.raw_log.files import LogFiles, find_log
from secateur.scenario.raw_log.reading import column_names, typed_times
from secateur.scenario.raw_log.sample import ROWS, LogSample, recognize, sample
from secateur.scenario.raw_log.survey import LocalTime, LogSurvey, SurveyedColumns, survey
from secateur.scenario.sections.tables import TableFormat
from secateur.scenario.time_formats import tells_year

TIMEZONE = "UTC"
_FILES = 5  # of many, that the sample is taken from


@dataclass(frozen=True)
class LogDraft:
    """All guesses of a log, and what a person must decide before a night can run."""

    log: LogFiles
    table: TableFormat
    columns: tuple[LogColumn, ...]
    roles: Roles
    survey: LogSurvey
    year: YearGuess | None = None
    is_timed: bool = True  # but for days that are made up

    @cached_property
    def inputs(self) -> InputGuesses:
        """The model's inputs."""
        columns, label = self.columns, self.roles.label
        if label.shows_items:  # of other rows nothing is learned
            shown = next(column for column in columns if column.name == label.reads[0])
            columns = in_rows(columns, [value is not None for value in shown.values])
        return guess_fields(columns, self.roles)

    @cached_property
    def made_inputs(self) -> MadeInputs:
        """The inputs that are no columns."""
        habits, window = self.survey.habits, self.night.window_days
        maker = InputMaker(self.columns, self.roles, self.table, habits, window, self.is_timed)
        return maker.guess()

    @cached_property
    def clocks(self) -> ClocksGuess:
        """Whose clocks tell the days: by the files' names, or by a column of the local time."""
        time, spelled = self.roles.time, self.roles.spelling
        column = next((c for c in self.columns if time and c.name == time.name), None)
        if column is None or spelled is None or not tells_instant(spelled, column.present):
            return guess_clocks(())
        told = ((*self.log.told_of(file), *span) for file, span in self.survey.spans.items())
        files = [DayTold(d, h, first, last) for d, h, first, last in told if d]
        if files:
            return guess_clocks(files)
        rows = self.survey.local.items()
        return guess_clocks((DayTold(d, h, at, at, n) for (d, h, at), n in rows), "rows")

    @property
    def sides(self) -> tuple[str, ...]:
        """Lines of tables that could be joined."""
        return tuple(side_lines(self.log, (self.roles.item.name, self.roles.user.name)))

    @cached_property
    def night(self) -> NightGuess:
        """Window, splits and training."""
        events = 1.0
        if self.roles.label.shows_items:
            events = self.survey.items / max(self.survey.rows, 1)
        if self.roles.label.draws_negatives:
            events = 1 / self.roles.label.rate
        days = self.log.days or self.survey.days
        return guess_night(self.survey, days, events)

    @property
    def days(self) -> int:
        """How many days the log has; 0 where nothing tells."""
        return len(self.log.days or self.survey.days)

    @cached_property
    def decide(self) -> tuple[str, ...]:
        """What a person must decide: the log does not tell."""
        found = list(self.roles.decide)
        if self.year is not None and self.roles.time:
            found.append(
                f"of which year the days in {self.roles.time.name} are, which name none: "
                f"time_year = {self.year.year} is {self.year.sure} ({self.year.why})"
                + self.year.decide
            )
        if self.roles.time and self.days < FEWEST_DAYS:
            found.append(
                f"where more days come from: these rows are of {self.days}, a night needs "
                f"{FEWEST_DAYS} (`secateur try` deals them in the order of their time into "
                "made-up days)"
            )
        strays = [file for file in self.log.others if self.log.layout != "flat"]
        if strays:
            found.append(
                f"where {strays[0].relative_to(self.log.root)} belongs: {len(strays)} of the files "
                "are of no day, and a night refuses a log that has such a file"
            )
        strangers = _strangers(self.log, self.table)
        if strangers:
            found.append(
                f"where the log lies alone: {self.log.events}/ holds other files such as "
                f"{strangers[0].name}, which a night would read too (`secateur try FILE` reads "
                "the one file)"
            )
        return tuple(found)


def draft_scenario(path: Path, limit: int = ROWS) -> str:
    """The TOML of a scenario for the log that `path` is, or is a file of. Raises UsageError.

    Guesses go by `limit` rows, days and budgets by all. No value of the user's column is shown.
    """
    return draft_text(make_draft(path, limit))


def make_draft(path: Path, limit: int = ROWS, is_timed: bool = True) -> LogDraft:
    """All guesses of the log that `path` is, or is a file of. Raises UsageError.

    Without `is_timed` the days are made up: no input is made of the hour or of a session.
    """
    log = find_log(path)
    table = recognize(log.files[0])
    columns = describe_columns(_sample(log, table, limit))
    columns, roles = _named_roles(log, table, columns)
    year = _year(log, columns, roles)
    found = survey(log.files, table, _survey_columns(columns, roles, year))
    return LogDraft(log, table, columns, roles, found, year, is_timed)


def _named_roles(
    log: LogFiles, table: TableFormat, columns: tuple[LogColumn, ...]
) -> tuple[tuple[LogColumn, ...], Roles]:
    """The columns as a scenario calls them, and their roles: that tell which names stay theirs."""
    typed = tuple(typed_times(log.files[0])) if table.format == "parquet" else ()
    roles = guess_roles(columns, typed)
    time = roles.time.name if roles.time else None
    rules = NamingRules(own_names(time, roles.label.reads, (roles.user.name, roles.item.name)))
    known = tuple(LogColumn(known_name(c.name, rules), c.values) for c in columns)
    if known == columns:
        return columns, roles
    return known, guess_roles(known, [known_name(name, rules) for name in typed])


def _sample(log: LogFiles, table: TableFormat, limit: int) -> LogSample:
    """Rows of some files; of more, where they hold few. Raises UsageError where none has a row."""
    files, found = 0, LogSample((), ())
    while len(found.rows) < limit and files < len(log.files):
        files = files * 4 or _FILES
        found = sample(log.spread(files), table, limit)
    if not found.rows:
        raise UsageError(f"{log.files[0]}: holds no row")
    return found


def _year(log: LogFiles, columns: Sequence[LogColumn], roles: Roles) -> YearGuess | None:
    """The year of times that name none."""
    if roles.time is None or roles.spelling is None or tells_year(roles.spelling.format):
        return None
    values = next(column.present for column in columns if column.name == roles.time.name)
    return guess_year(values, roles.spelling.format.partition(" ")[0], log.files[0])


def _survey_columns(
    columns: Sequence[LogColumn], roles: Roles, year: YearGuess | None
) -> SurveyedColumns:
    label, separator, mark = roles.label, None, None
    if label.shows_items:
        marked = label.keys["kind"] == "marked_list"
        separator = str(label.keys.get("separator", " " if marked else "|"))
        mark = str(label.keys.get("mark", "-")) if marked else None
    return SurveyedColumns(
        roles.time.name if roles.time else None,
        roles.spelling.format if roles.spelling else "",
        TIMEZONE,
        roles.user.name,
        label.reads[0] if label.shows_items else roles.item.name,
        year.year if year else None,
        separator,
        mark,
        _local_time(columns, roles),
    )


def _local_time(columns: Sequence[LogColumn], roles: Roles) -> LocalTime | None:
    time, spelled = roles.time, roles.spelling
    column = next((c for c in columns if time and c.name == time.name), None)
    found = local_time(column, spelled, columns) if column and spelled else None
    return LocalTime(found[0], found[1].format, found[1].tells_hours) if found else None


def draft_text(draft: LogDraft) -> str:
    """The draft as TOML."""
    parts: Sequence[Iterator[str]] = (
        _head(draft),
        sections.logs_section(
            sections.LogTold(draft.log, draft.table, draft.clocks, draft.year, draft.sides),
            draft.roles,
            draft.night,
            draft.made_inputs,
        ),
        sections.label_section(draft.roles, draft.inputs, draft.survey),
        sections.cleaning_section(draft.columns, draft.roles, draft.survey),
        sections.features_section(draft.roles, draft.inputs, draft.made_inputs, draft.night),
        sections.validation_section(draft.roles, draft.night),
        sections.training_section(draft.night),
    )
    return "\n".join(line for part in parts for line in part) + "\n" + sections.REST


def lie_alone(draft: LogDraft, log: LogFiles) -> LogDraft:
    """The same draft of the same files, which lie alone in another folder."""
    return replace(draft, log=log)


def _head(draft: LogDraft) -> Iterator[str]:
    path = draft.log.files[0] if draft.log.layout == "flat" else draft.log.folder
    rows = len(draft.columns[0].values) if draft.columns else 0
    more = "" if draft.survey.whole else "more than "
    many = f", of {len(draft.log.files)} files" if len(draft.log.files) > 1 else ""
    yield (
        f"# Drafted from {rows:,} rows of {path.name}{many}; it holds {more}{draft.survey.rows:,}."
    )
    yield "# Behind each guess stands how sure it is, and why: sure, likely, or NOT SURE."
    yield "# Put right what is wrong, then: secateur scenario check --logs"
    for number, decision in enumerate(draft.decide, start=1):
        yield f"# TO DECIDE {number}: {decision}"
    name = re.sub(r"[^a-z0-9]+", "_", path.name.partition(".")[0].lower()).strip("_")
    if name in ("", "events"):
        folder = draft.log.events if draft.log.events != "events" else draft.log.root.name
        name = re.sub(r"[^a-z0-9]+", "_", folder.lower()).strip("_")
    yield key_line("name", name if name[:1].isalpha() else f"log_{name}".rstrip("_"))
    yield key_line("title", f"Drafted from {path.name}")
    yield key_line("seed", 1)


def _strangers(log: LogFiles, table: TableFormat) -> list[Path]:
    """Files of the folder that have other columns than the log's, or cannot be read as it is."""
    mine = column_names(log.files[0], table)
    others = log.others if log.layout == "flat" else ()
    return [file for file in others if not _alike(file, table, mine)]


def _alike(file: Path, table: TableFormat, mine: tuple[str, ...]) -> bool:
    try:
        theirs = recognize(file)
        same_format = (theirs.format, theirs.header) == (table.format, table.header)
        return same_format and column_names(file, theirs) == mine
    except UsageError:
        return False
