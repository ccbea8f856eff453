"""The model inputs to start from: what each column without a role could be, and why."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from secateur.scenario.drafting.columns import LogColumn, owner_of
from secateur.scenario.drafting.roles import Roles
from secateur.scenario.time_formats import time_format_of

_FEW_VALUES = 20
_FEW_WORDS = 2.0
_LENGTHS = (8, 16, 32, 50)
_SURE = 0.98


@dataclass(frozen=True)
class FieldGuess:
    """The keys of one entry of `features.fields`, and why."""

    keys: dict[str, object]
    why: str


@dataclass(frozen=True)
class InputGuesses:
    """The fields, and the columns left out by reason."""

    fields: tuple[FieldGuess, ...]
    left_out: dict[str, list[str]]


def guess_fields(columns: Sequence[LogColumn], roles: Roles) -> InputGuesses:
    """The user and the item first, then every column that may be known before the event."""
    by_name = {column.name: column for column in columns}
    user = by_name.get(roles.user.name, LogColumn(roles.user.name, ()))
    item = by_name.get(roles.item.name)
    fields = [
        FieldGuess({"name": user.name, "owner": "user", "min_count": 2, "hashed": True}, "the user")
    ]
    if roles.item.name != user.name:
        keys = {"name": roles.item.name, "owner": "item", "min_count": 2}
        fields.append(FieldGuess(keys, "the item"))
    left_out: dict[str, list[str]] = {}
    taken = {user.name, roles.item.name, *roles.label.reads}
    for column in columns:
        if column.name in taken:
            continue
        field = _field(column, user, item, roles)
        reason = _unfit(column, field, roles)
        if reason:
            left_out.setdefault(reason, []).append(column.name)
        else:
            fields.append(field)
    return InputGuesses(tuple(fields), left_out)


def _unfit(column: LogColumn, field: FieldGuess, roles: Roles) -> str | None:
    """Why a column is no input; None where it may be one."""
    is_time = roles.time is not None and column.name == roles.time.name
    drawn = roles.label.keys["kind"] == "purchase"
    is_unique = roles.unique is not None and column.name == roles.unique.name
    reasons = {
        "the event's time": is_time,
        "another time": bool(time_format_of(column.present, column.words)),
        "may be known only after the event, and would tell the label": column.name
        in roles.outcomes,
        "one value, or none, in the whole sample": column.distinct < 2,
        "names the event": is_unique,
        "never the same twice": column.unique and not column.numeric,
        "neither the user's nor the item's, so that a drawn event has none": drawn
        and field.keys["owner"] == "context",
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _field(column: LogColumn, user: LogColumn, item: LogColumn | None, roles: Roles) -> FieldGuess:
    owner, reason = owner_of(column, user, item)
    keys: dict[str, object] = {"name": column.name, "owner": owner}
    if column.tokens > _FEW_WORDS:
        length = next((n for n in _LENGTHS if n >= column.tokens), _LENGTHS[-1])
        keys |= {"kind": "list", "length": length}
        marked = roles.label.items or (item.present if item else ())
        shapes = {_shape(value) for value in marked}
        words = [word for value in column.present for word in value.split()]
        if sum(_shape(word) in shapes for word in words) >= _SURE * len(words):
            keys |= {"owner": "user", "shares": roles.item.name}
            return FieldGuess(keys, "items in one text: the user's history, most likely")
        return FieldGuess(keys | {"min_count": 5}, f"{column.tokens:.0f} words a value; {reason}")
    many = column.distinct > _FEW_VALUES
    if column.numeric and many and not column.identifies:
        return FieldGuess(keys | {"kind": "bucket"}, f"a number; {reason}")
    rare = {"min_count": 2} if many else {}
    return FieldGuess(keys | rare, f"{column.distinct:,} values; {reason}")


def _shape(word: str) -> str:
    return re.sub(r"\d+", "9", word)
