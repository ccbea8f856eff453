"""Every mistake of a scenario file at once: in its sections, between them, and against its log."""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from secateur.scenario.cross_section_rules import inputs_made
from secateur.scenario.explaining.mistakes import Mistake, did_you_mean
from secateur.scenario.explaining.toml_lines import KeyPath
from secateur.scenario.loading import parse_scenario, read_scenario
from secateur.scenario.log_at_hand import LogAtHand, open_log_at_hand
from secateur.scenario.log_check import count_log, log_mistakes
from secateur.scenario.raw_log.column_names import known_name, naming_rules
from secateur.scenario.sections.logs import (
    ClickedListLabel,
    MarkedListLabel,
    OfColumn,
    context_of,
    tasks_of,
)
from secateur.scenario.sections.scenario import Scenario

_LISTS = (MarkedListLabel, ClickedListLabel)
_OF_ANY_LOG = {"time_ms", "label", "day"}  # what every event has, whatever the log calls it

Say = Callable[[str], None]


def silent(_line: str) -> None:
    """Nobody listens."""


def check_scenario(
    name_or_path: str, logs: str | None = None, say: Say = silent
) -> tuple[Scenario | None, list[str]]:
    """The scenario in a file, None where it does not hold, and a line for every mistake.

    With `logs` it is held against its log, too: that at a URI, the file or folder of events there,
    or for "" the scenario's own. Names are looked up in it and in every side table; then all rows
    are tried, and what was counted is told to `say`. Raises ScenarioError where the file is no
    TOML, UsageError where the log has no such file.
    """
    source = read_scenario(name_or_path)
    scenario, mistakes = parse_scenario(source.data)
    if scenario is not None and logs is not None:
        with tempfile.TemporaryDirectory(prefix="secateur-") as scratch:
            log = open_log_at_hand(scenario, logs, Path(scratch))
            unknown = list(unknown_columns(scenario, log))
            mistakes += unknown
            if not unknown:
                found = count_log(scenario, log.files)
                say(found.summary(len(log.files)))
                mistakes += log_mistakes(scenario, found, log.whole)
    return None if mistakes else scenario, source.report(mistakes)


def summary(scenario: Scenario) -> str:
    """One line of what a checked scenario holds."""
    features = scenario.features
    kinds = [field.kind for field in features.fields]
    counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in dict.fromkeys(kinds))
    days = scenario.logs.window_days - features.warm_up_days
    train = days - features.tune_days - features.confirm_days
    splits = f"{train} train, {features.tune_days} tune, {features.confirm_days} confirm"
    if features.tune_hours is not None:
        splits = f"the last {features.tune_hours} and {features.confirm_hours} hours are held out"
    return (
        f"{scenario.name}: {_quantity(len(kinds), 'field')} ({counts}), "
        f"{_quantity(len(features.counters), 'counter')}, "
        f"{_quantity(len(scenario.recipes), 'candidate')}, {scenario.logs.window_days} days "
        f"({splits})"
    )


def _quantity(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def unknown_columns(scenario: Scenario, log: LogAtHand) -> Iterator[Mistake]:
    """The columns that the scenario names and neither the log nor a side table has."""
    logs, label = scenario.logs, scenario.label
    rules = naming_rules(logs, label)
    raw = {known_name(name, rules) for name in log.columns}
    sides = {
        side.name: {known_name(name, rules) for name in log.side_columns(side)}
        for side in logs.sides
    }
    counted = scenario.cleaning.count_repetitions
    made = {logs.item, *label.event_columns} if isinstance(label, _LISTS) else set()
    events = raw | _OF_ANY_LOG | made | logs.expressions.keys() | ({counted} if counted else set())
    for number, side in enumerate(logs.sides):
        at: KeyPath = ("logs", "sides", number, "key")
        yield from _unknown_names(
            [(at, side.key)], sides[side.name] & events, f"both {side.path} and"
        )
        if side.valid_from is not None:
            at = ("logs", "sides", number, "valid_from")
            yield from _unknown_names([(at, side.valid_from)], sides[side.name], side.path)
    yield from _unknown_names(_names_in_rows(scenario), raw, "the log")
    everything = events.union(*sides.values())
    yield from _unknown_names(_names_in_events(scenario), everything, "the log and its side tables")
    for path, name, _ in inputs_made(scenario.features):
        if name in scenario.features.made_inputs & everything:
            yield Mistake(path, f"{name!r} is a column of the log already: name it otherwise")


def columns_named(scenario: Scenario) -> set[str]:
    """Every column of the log or of a side table that the scenario names, SQL apart."""
    return {name for _, name in (*_names_in_rows(scenario), *_names_in_events(scenario))}


def _unknown_names(
    named: Iterable[tuple[KeyPath, str]], known: set[str], where: str
) -> Iterator[Mistake]:
    for path, name in named:
        if name not in known:
            hint = did_you_mean(name, known) or f"; known: {', '.join(sorted(known))}"
            yield Mistake(path, f"no column {name!r} in {where}{hint}")


def _names_in_rows(scenario: Scenario) -> Iterator[tuple[KeyPath, str]]:
    """Columns that the raw rows must have, by the key that names them."""
    logs, label = scenario.logs, scenario.label
    yield ("logs", "user"), logs.user
    yield ("logs", "time"), logs.time
    if not isinstance(label, _LISTS):
        yield ("logs", "item"), logs.item
    if isinstance(label, OfColumn):
        yield ("label", "column"), label.column
    else:
        for key in ("shared", "item_columns"):
            for number, name in enumerate(getattr(label.negatives, key)):
                yield ("label", "negatives", key, number), name
    if isinstance(label, ClickedListLabel):
        yield ("label", "clicked"), label.clicked
    if isinstance(label, _LISTS):
        for name, column in label.aligned.items():
            yield ("label", "aligned", name), column
    context = context_of(label)
    if context and context.item:
        yield ("label", "context", "item"), context.item
    for name, task in tasks_of(label).items():
        yield ("label", "tasks", name, "column"), task.column
    for number, name in enumerate(scenario.cleaning.deduplicate_on):
        yield ("cleaning", "deduplicate_on", number), name


def _names_in_events(scenario: Scenario) -> Iterator[tuple[KeyPath, str]]:
    """Columns that the log or a side table must have, by the key that names them."""
    features, validation = scenario.features, scenario.validation
    for name in scenario.cleaning.missing:
        yield ("cleaning", "missing", name), name
    for number, field in enumerate(features.fields):
        at: KeyPath = ("features", "fields", number)
        if field.is_column:
            yield (*at, "name"), field.name
        elif field.type is not None:
            yield (*at, "type"), field.type
    for number, counter in enumerate(features.counters):
        keys = ((n, key) for n, key in enumerate(counter.keys) if key not in features.times)
        for at_key, key in keys:
            yield ("features", "counters", number, "keys", at_key), key
        if counter.of is not None:
            yield ("features", "counters", number, "of"), counter.of
    for number, one in enumerate(features.slices):
        yield ("features", "slices", number, "column"), one.column
    for measure in ("categories", "numbers"):
        for name in getattr(validation.drift, measure):
            yield ("validation", "drift", measure, name), name
    for name in validation.max_missing_rate:
        yield ("validation", "max_missing_rate", name), name
