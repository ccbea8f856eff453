"""What the columns of a raw log are called in a scenario and in its events."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

from secateur.contracts.data import HISTORY_ONLY
from secateur.contracts.errors import Refused
from secateur.contracts.features import LABEL_PREFIX, ROW_COLUMNS
from secateur.scenario.sections.logs import ClickedListLabel, Label, Logs, OfColumn, tasks_of

# Of these no event has another; the second tells drawn events, and would make none of any.
_OF_EVENTS = frozenset({"day", HISTORY_ONLY})
PREFIX = "log."
INTERNAL = "_secateur_"  # before the names of what cleaning itself adds


@dataclass(frozen=True)
class NamingRules:
    """Names that events have of their own, and names that a scenario looks for in the log."""

    own: frozenset[str] = frozenset({*ROW_COLUMNS}) | _OF_EVENTS
    sought: frozenset[str] = field(default=frozenset())


def naming_rules(logs: Logs, label: Label, sought: Collection[str] = ()) -> NamingRules:
    """The rules of a log. What a scenario names as the time, say, may have the events' name."""
    tasks = {LABEL_PREFIX + name for name in tasks_of(label)}
    outcomes = {task.column for task in tasks_of(label).values()}
    outcomes |= {label.column} if isinstance(label, OfColumn) else set()
    outcomes |= {label.clicked} if isinstance(label, ClickedListLabel) else set()
    own = own_names(logs.time, outcomes, {logs.user, logs.item})
    own |= tasks - outcomes - {logs.user, logs.item, logs.time}
    return NamingRules(own, frozenset(name.removeprefix(PREFIX) for name in sought))


def own_names(
    time: str | None, outcomes: Collection[str], others: Collection[str] = ()
) -> frozenset[str]:
    """Names that only events' own columns have; the log's columns of these roles may have others.

    But two are filled by cleaning: the `time_ms` of a log is its time or gets another name, its
    `label` is its time or an outcome.
    """
    own = {*ROW_COLUMNS} - {time, *outcomes, *others}
    filled = ({"time_ms"} - {time}) | ({"label"} - {time, *outcomes})
    return frozenset(own | filled | _OF_EVENTS)


def raw_name(name: str, fields: Collection[str]) -> str:
    """What a file with these fields calls a known column."""
    bare = name.removeprefix(PREFIX)
    return bare if name not in fields and bare in fields else name


def names_by_field(key: str, fields: Sequence[str], rules: NamingRules) -> Mapping[str, str]:
    """The known name of each field of a file, in their order, as JSON or Parquet spell them.

    A name that events have of their own gets `log.` before it. Raises Refused where two columns
    have one name, or one a name that is no text, as half of a surrogate pair in JSON.
    """
    for name in fields:
        if name != name.encode(errors="replace").decode():
            raise Refused(f"{key} has a column whose name is no text: {name!a}")
    names = {name: known_name(name, rules) for name in fields}
    if len(set(names.values())) < len(fields):
        twice = sorted({name for name in fields if fields.count(name) > 1} or names.values())
        raise Refused(f"{key} has two columns of one name: {', '.join(twice)}")
    return names


def named_cells(cells: Sequence[str]) -> list[str]:
    """The names of a header's cells, without blanks around them.

    An empty one's is `column_` and its place, from 1 on.
    """
    return [cell.strip() or f"column_{n}" for n, cell in enumerate(cells, start=1)]


def known_name(name: str, rules: NamingRules) -> str:
    """What a column is called that a file calls `name`."""
    return PREFIX + name if name in rules.own or name.startswith(INTERNAL) else name
