"""The model inputs to start from: what each column without a role could be, and why."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from secateur.encoding.numbers import number_in
from secateur.scenario.drafting.columns import LogColumn, named_like, owner_of
from secateur.scenario.drafting.inputs.input_guesses import FieldGuess, InputGuesses
from secateur.scenario.drafting.label_guesses import labels_of
from secateur.scenario.drafting.outcome_columns import tells_label
from secateur.scenario.drafting.roles import Roles
from secateur.scenario.drafting.shown_lists import aligned_with, separator_of
from secateur.scenario.drafting.times.time_guesses import tells_time

_FEW_VALUES = 20
_FEW_WORDS = 2.0
_LENGTHS = (8, 16, 32, 50)
_SURE = 0.98
_TEXTS = {"text", "review", "summary", "comment", "body", "tip"}
_SHARED_VALUES = 50  # at most, of a column that a drawn event takes from its positive


@dataclass(frozen=True)
class _Columns:
    """The columns by their roles."""

    every: Sequence[LogColumn]
    roles: Roles

    def by_name(self, name: str) -> LogColumn | None:
        return next((column for column in self.every if column.name == name), None)

    @cached_property
    def user(self) -> LogColumn:
        rows = len(self.every[0].values) if self.every else 0
        missing = LogColumn(self.roles.user.name, (None,) * rows)
        return self.by_name(self.roles.user.name) or missing

    @cached_property
    def item(self) -> LogColumn | None:
        return self.by_name(self.roles.item.name)

    @cached_property
    def labels(self) -> tuple[bool | None, ...]:
        """The label of each row of the sample, where it tells one."""
        return labels_of(self.roles.label, self.every)

    @cached_property
    def item_shapes(self) -> set[str]:
        items = self.roles.label.items or (self.item.present if self.item else ())
        return {_shape(value) for value in items}

    def is_aligned(self, column: LogColumn) -> bool:
        """Whether it lists a value for each item shown."""
        if not self.roles.label.shows_items:
            return False
        shown = self.by_name(str(self.roles.label.keys["column"]))
        return shown is not None and aligned_with(column, shown, self.separator)

    @property
    def separator(self) -> str:
        """What stands between the items shown."""
        keys = self.roles.label.keys
        return str(keys.get("separator", "|" if keys["kind"] == "clicked_list" else " "))


def names_session(column: LogColumn) -> bool:
    """Whether its name says that it names sessions."""
    named = named_like(column, ("session", "visit")) is not None
    return named and (column.identifies or len(column.words) <= 2)


def guess_fields(every: Sequence[LogColumn], roles: Roles) -> InputGuesses:
    """The user and the item first, then every column that may be known before the event."""
    columns = _Columns(every, roles)
    user = {"name": roles.user.name, "owner": "user", "min_count": 2, "hashed": True}
    fields = [FieldGuess(user, "the user", roles.user.sure)]
    if roles.item.name != roles.user.name:
        keys = {"name": roles.item.name, "owner": "item", "min_count": 2}
        fields.append(FieldGuess(keys, "the item", roles.item.sure))
    left_out: dict[str, list[str]] = {}
    shared: list[str] = []
    aligned: list[LogColumn] = []
    for column in every:
        if column.name in {roles.user.name, roles.item.name, *roles.label.reads}:
            continue
        if columns.is_aligned(column):
            aligned.append(column)
            continue
        guess = _field(column, columns)
        reason = _unfit(column, guess, columns)
        if reason:
            left_out.setdefault(reason, []).append(column.name)
            continue
        fields.append(guess)
        if guess.keys["owner"] != "item":
            shared.append(column.name)
    found = InputGuesses(tuple(fields), left_out, tuple(shared))
    return _with_places(found, aligned, columns) if roles.label.shows_items else found


def _with_places(
    found: InputGuesses, aligned: Sequence[LogColumn], columns: _Columns
) -> InputGuesses:
    """The same, with the item's place in the list and what stands beside each item."""
    taken = {column.name for column in columns.every}
    position = "position" if "position" not in taken else "shown_position"
    place: dict[str, object] = {"name": position, "owner": "item", "kind": "bucket"}
    fields = [*found.fields, FieldGuess(place, "the item's place in the list shown")]
    names: dict[str, str] = {}
    for column in aligned:
        name = column.name.removesuffix("s")
        name = name if name not in {*taken, position} else f"shown_{name}"
        names[name] = column.name
        keys: dict[str, object] = {"name": name, "owner": "item"}
        parts = [part for value in column.present for part in value.split(columns.separator)]
        numeric = sum(number_in(part) == number_in(part) for part in parts) >= _SURE * len(parts)
        keys |= {"kind": "bucket"} if numeric else {"min_count": 2}
        fields.append(FieldGuess(keys, f"{column.name} has one for each item shown"))
    return replace(found, fields=tuple(fields), position=position, aligned=names)


def _unfit(column: LogColumn, guess: FieldGuess, columns: _Columns) -> str | None:
    """Why a column is no input; None where it may be one."""
    roles = columns.roles
    is_time = roles.time is not None and column.name == roles.time.name
    is_unique = roles.unique is not None and column.name == roles.unique.name
    many = column.distinct > _SHARED_VALUES or column.identifies
    reasons = {
        "the event's time": is_time,
        "another time": tells_time(column),
        "may be known only after the event, and would tell the label": column.name
        in roles.outcomes,
        "one value, or none, in the whole sample": column.distinct < 2,
        "alone tells the label in the sample, as only an outcome does": tells_label(
            column, columns.labels
        ),
        "names the event": is_unique,
        "names the session": names_session(column),
        "a text of the event, which may be its outcome": guess.keys["owner"] == "context"
        and bool(_TEXTS & set(column.words)),
        "never the same twice": column.unique and not column.numeric,
        "changes from event to event with too many values for a drawn event to take it over": (
            roles.label.draws_negatives and guess.keys["owner"] == "context" and many
        ),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _field(column: LogColumn, columns: _Columns) -> FieldGuess:
    owner, reason, sure = owner_of(column, columns.user, columns.item)
    keys: dict[str, object] = {"name": column.name, "owner": owner}
    separator = separator_of(column) or (" " if column.tokens > _FEW_WORDS else None)
    if separator is not None:
        return _list_field(column, separator, columns, FieldGuess(keys, reason, sure))
    many = column.distinct > _FEW_VALUES
    if column.numeric and many and not column.identifies:
        return FieldGuess(keys | {"kind": "bucket"}, f"a number; {reason}", sure)
    rare = {"min_count": 2} if many else {}
    return FieldGuess(keys | rare, f"{column.distinct:,} values; {reason}", sure)


def _list_field(
    column: LogColumn, separator: str, columns: _Columns, owned: FieldGuess
) -> FieldGuess:
    """A list of items or of words, as long as most values are."""
    parts = [value.split(separator) for value in column.present]
    mean = sum(map(len, parts)) / len(parts)
    keys = {**owned.keys, "kind": "list"}
    keys |= {"separator": separator} if separator != " " else {}
    keys["length"] = next((n for n in _LENGTHS if n >= mean), _LENGTHS[-1])
    words = [word for value in parts for word in value if word]
    if sum(_shape(word) in columns.item_shapes for word in words) >= _SURE * len(words):
        keys |= {"owner": "user", "shares": columns.roles.item.name}
        return FieldGuess(keys, "items in one text: the user's history, most likely")
    what = "words" if separator == " " else "parts"
    return FieldGuess(
        keys | {"min_count": 5}, f"{mean:.0f} {what} a value; {owned.why}", owned.sure
    )


def _shape(word: str) -> str:
    return re.sub(r"\d+", "9", word)
