"""A scenario to start from, for a log: each guess is a TOML key, its reason a comment."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from secateur.contracts.errors import UsageError
from secateur.scenario.drafting import draft_sections as sections
from secateur.scenario.drafting.columns import LogColumn, describe_columns
from secateur.scenario.drafting.field_guesses import InputGuesses, guess_fields
from secateur.scenario.drafting.night_guesses import FEWEST_DAYS, NightGuess, guess_night
from secateur.scenario.drafting.roles import Roles, guess_roles
from secateur.scenario.drafting.toml_text import key_line
from secateur.scenario.raw_log.files import LogFiles, find_log
from secateur.scenario.raw_log.reading import column_names
from secateur.scenario.raw_log.sample import ROWS, recognize, sample
from secateur.scenario.raw_log.survey import LogSurvey, SurveyedColumns, survey
from secateur.scenario.sections.logs import TableFormat

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

    @cached_property
    def inputs(self) -> InputGuesses:
        """The model's inputs."""
        return guess_fields(self.columns, self.roles)

    @cached_property
    def night(self) -> NightGuess:
        """Window, splits and training."""
        shown = [len(c.present) for c in self.columns if c.name in self.roles.label.reads[:1]]
        events = 1.0
        if self.roles.label.shows_items and self.roles.label.rate and shown:
            events = shown[0] / max(len(self.columns[0].values), 1) / self.roles.label.rate
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
        if self.roles.time and self.days < FEWEST_DAYS:
            found.append(
                f"where more days come from: these rows are of {self.days}, a night needs "
                f"{FEWEST_DAYS} (`secateur try` deals them in the order of their time into "
                "made-up days)"
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


def make_draft(path: Path, limit: int = ROWS) -> LogDraft:
    """All guesses of the log that `path` is, or is a file of. Raises UsageError."""
    log = find_log(path)
    table = recognize(log.files[0])
    columns = describe_columns(sample(log.spread(_FILES), table, limit))
    roles = guess_roles(columns)
    raw_item = roles.label.reads[:1] if roles.label.shows_items else (roles.item.name,)
    time = roles.time.name if roles.time else None
    spelled = roles.spelling.format if roles.spelling else ""
    needed = SurveyedColumns(time, spelled, TIMEZONE, (roles.user.name, *raw_item))
    return LogDraft(log, table, columns, roles, survey(log.files, table, needed))


def draft_text(draft: LogDraft) -> str:
    """The draft as TOML."""
    parts: Sequence[Iterator[str]] = (
        _head(draft),
        sections.logs_section(draft.log, draft.table, draft.roles, draft.night),
        sections.label_section(draft.columns, draft.roles, draft.inputs),
        sections.cleaning_section(draft.columns, draft.roles, draft.survey),
        sections.features_section(draft.roles, draft.inputs, draft.night),
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
        name = re.sub(r"[^a-z0-9]+", "_", draft.log.root.name.lower()).strip("_")
    yield key_line("name", name if name[:1].isalpha() else f"log_{name}".rstrip("_"))
    yield key_line("title", f"Drafted from {path.name}")
    yield key_line("seed", 1)


def _strangers(log: LogFiles, table: TableFormat) -> list[Path]:
    """Files of the folder that have other columns than the log's, or cannot be read as it is."""
    mine = column_names(log.files[0], table)
    return [file for file in log.others if not _alike(file, table, mine)]


def _alike(file: Path, table: TableFormat, mine: tuple[str, ...]) -> bool:
    try:
        theirs = recognize(file)
        same_format = (theirs.format, theirs.header) == (table.format, table.header)
        return same_format and column_names(file, theirs) == mine
    except UsageError:
        return False
