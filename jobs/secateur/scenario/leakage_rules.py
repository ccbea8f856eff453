"""No input of an event may be, or be made of, an outcome of the same event.

What a counter counts by `of`, and what a history holds, are outcomes of earlier events only: those
a service knows too. So `of` and a history's `type` may be what no field may be.
"""

import re
from collections.abc import Iterator, Mapping

from secateur.contracts.features import LABEL_PREFIX
from secateur.scenario.explaining.mistakes import Mistake
from secateur.scenario.explaining.toml_lines import KeyPath
from secateur.scenario.role_rules import columns_of_inputs
from secateur.scenario.sections.features import Features
from secateur.scenario.sections.logs import ClickedListLabel, Label, Logs, OfColumn, tasks_of

LABEL_COLUMN = "label"  # of every event, beside the log's own columns
_TEXT = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"", re.DOTALL)
_WORD = re.compile(r"`((?:[^`]|``)+)`|(?<!\w)([^\W\d]\w*)(?!\w)(\s*\()?")
_UNREPEATABLE = {
    *("current_date", "current_timestamp", "curdate", "localtimestamp", "now", "unix_timestamp"),
    *("rand", "randn", "random", "shuffle", "uuid", "monotonically_increasing_id"),
    *("input_file_name", "spark_partition_id"),
}


def columns_read(sql: str) -> set[str]:
    """The names that a Spark SQL expression may read columns by, in lower case as Spark finds them.

    Functions and texts are none of them.
    """
    words = _WORD.findall(_TEXT.sub(" ", sql))
    plain = {word.lower() for _, word, call in words if word and not call}
    return plain | {quoted.replace("``", "`").lower() for quoted, _, _ in words if quoted}


def outcomes_of(label: Label, expressions: Mapping[str, str]) -> dict[str, str]:
    """The columns of an event that tell its label or a task of it, with the outcome that each is.

    Besides the label's own they are the expressions that read one of them.
    """
    tasks = tasks_of(label)
    told = {one.column for one in (label, *tasks.values()) if isinstance(one, OfColumn)}
    if isinstance(label, ClickedListLabel):
        told = {label.clicked, label.column}
    found = {name: name for name in told | own_outcomes(label)}
    lower = {name.lower(): name for name in found}
    for name, sql in expressions.items():
        read = sorted(columns_read(sql) & lower.keys())
        if read:
            found[name] = lower[read[0]]
    return found


def own_outcomes(label: Label) -> set[str]:
    """The columns that cleaned events have of their own, which hold the label and its tasks."""
    return {LABEL_COLUMN, *(LABEL_PREFIX + name for name in tasks_of(label))}


def no_input_tells_an_outcome(label: Label, logs: Logs, features: Features) -> Iterator[Mistake]:
    """Every field, key of a counter and key of a side table that is an outcome of the event."""
    outcomes = outcomes_of(label, logs.expressions)
    for path, column in _columns_of_inputs(features):
        is_own_field = column in own_outcomes(label) and path[1] == "fields"  # told by its name
        if column in outcomes and not is_own_field:
            why = "" if outcomes[column] == column else f", as it reads {outcomes[column]!r}"
            message = f"{column!r} is what is to be predicted{why}: it tells a label"
            yield Mistake(path, message)
    for number, side in enumerate(logs.sides):
        if side.key in outcomes:
            message = f"{side.key!r} is what is to be predicted: what it joins tells a label"
            yield Mistake(("logs", "sides", number, "key"), message)


def _columns_of_inputs(features: Features) -> Iterator[tuple[KeyPath, str]]:
    yield from columns_of_inputs(features)
    if features.has_sessions and features.session_column is not None:
        yield ("features", "session_column"), features.session_column


def expressions_are_of_their_row(logs: Logs) -> Iterator[Mistake]:
    """Expressions whose result is another at every run, or that look at the rows beside them."""
    for name, sql in logs.expressions.items():
        words = _WORD.findall(_TEXT.sub(" ", sql))
        called = {word.lower() for _, word, call in words if call}
        bare = {word.lower() for _, word, _ in words}
        clocks = {"current_date", "current_timestamp", "localtimestamp"} & bare
        for word in sorted(clocks | (called & _UNREPEATABLE)):
            yield Mistake(("logs", "expressions", name), f"{word} is another at every run")
        if "over" in called | bare:
            message = "a window over rows knows what happens later: count with a counter"
            yield Mistake(("logs", "expressions", name), message)
