"""What the log's columns are to a scenario: no column is two things, and the time's is no input."""

from collections.abc import Iterator

from secateur.scenario.explaining.mistakes import Mistake
from secateur.scenario.explaining.toml_lines import KeyPath
from secateur.scenario.sections.features import Features
from secateur.scenario.sections.logs import ClickedListLabel, Label, Logs, MarkedListLabel, OfColumn


def no_column_has_two_roles(label: Label, logs: Logs) -> Iterator[Mistake]:
    """User, item, time and label are told by columns of their own; shown items have none."""
    shows_items = isinstance(label, MarkedListLabel | ClickedListLabel)
    named: list[tuple[KeyPath, str, str]] = [(("logs", "user"), logs.user, "the user")]
    if not shows_items:
        named.append((("logs", "item"), logs.item, "the item"))
    named.append((("logs", "time"), logs.time, "the time"))
    if isinstance(label, OfColumn):
        named.append((("label", "column"), label.column, "the label"))
    taken: dict[str, str] = {}
    for path, column, role in named:
        if column in taken:
            yield Mistake(path, f"{column!r} is {taken[column]}: it cannot be {role} too")
        taken.setdefault(column, role)


def the_time_is_no_input(logs: Logs, features: Features) -> Iterator[Mistake]:
    """Events hold their time as `time_ms`; what the log calls it is gone."""
    for path, column in _columns_read(features):
        if column == logs.time:
            message = f"{column!r} is the time, which no event has as a column: say of_time, or "
            yield Mistake(path, message + "make an expression over time_ms")


def columns_of_inputs(features: Features) -> Iterator[tuple[KeyPath, str]]:
    """The columns of events that fields and counters read, by the key that names them."""
    for number, field in enumerate(features.fields):
        if field.is_column:
            yield ("features", "fields", number, "name"), field.name
    for number, counter in enumerate(features.counters):
        for place, key in enumerate(counter.keys):
            yield ("features", "counters", number, "keys", place), key


def _columns_read(features: Features) -> Iterator[tuple[KeyPath, str]]:
    yield from columns_of_inputs(features)
    for number, one in enumerate(features.slices):
        yield ("features", "slices", number, "column"), one.column
