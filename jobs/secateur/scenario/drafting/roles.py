"""The roles of a log's columns: user, item, time, label; each guess with its reason.

A guess goes by names first, then by how values repeat and what they look like. No reason shows a
value of the log, which may be a user's id.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from secateur.scenario.drafting.columns import LogColumn, dependence, named_like
from secateur.scenario.drafting.guesses import ITEMS, USERS, Guess
from secateur.scenario.drafting.label_guesses import LabelGuess, guess_label, is_outcome
from secateur.scenario.drafting.times.time_guesses import guess_time, tells_time
from secateur.scenario.drafting.times.time_spellings import TimeFormat

_USER_SHAPE = re.compile(r"(?:u|user|usr|uid|cust)[-_]?\d+", re.IGNORECASE)
_MOSTLY_ONE = 0.5
_NOT_FOUND = "NOT FOUND"
_LABEL = "label"  # what it holds is neither user nor item
_MANY, _SMALL_TABLE = 20, 8
_NO_TIME = (
    "what tells an event's time: no column does. `secateur try` deals the rows in their order "
    "into made-up days; a night needs a time"
)
_SURE = 0.98


@dataclass(frozen=True)
class Roles:
    """The roles; `time` and its spelling are None where no column tells it.

    `decide` is what a person must decide before a night can run.
    """

    user: Guess
    item: Guess
    time: Guess | None
    spelling: TimeFormat | None
    label: LabelGuess
    unique: Guess | None
    outcomes: tuple[str, ...] = ()
    decide: tuple[str, ...] = ()


def guess_roles(columns: Sequence[LogColumn], typed: Collection[str] = ()) -> Roles:
    """Give every role to the column that fits it best; `typed` are times by their type."""
    label = guess_label(columns)
    time, spelled = guess_time(columns, typed)
    times = {column.name for column in columns if tells_time(column)}
    taken = {*label.reads, *times, _LABEL}
    free = [column for column in columns if column.name not in taken and not column.binary]
    user = _user([column for column in free if not column.unique])
    item = _item(user, free, columns, label)
    known = {user.name, item.name, *taken}
    outcomes = tuple(c.name for c in columns if c.name not in known and is_outcome(c))
    # Unlike a measured number, what names an event is an identifier.
    ids = [c for c in free if c.unique and c.name not in known and (c.identifies or not c.words)]
    unique = Guess(ids[0].name, "its values never repeat: it names the event") if ids else None
    decide = [label.decide] if label.decide else []
    found = {"user": user, "item": item}
    decide += [_unsure(role, one) for role, one in found.items() if one.sure == "NOT SURE"]
    if time is None:
        decide.insert(0, _NO_TIME)
    return Roles(user, item, time, spelled, label, unique, outcomes, tuple(decide))


def _unsure(role: str, guess: Guess) -> str:
    if guess.why.startswith(_NOT_FOUND):
        return f"who the {role} is: no column of the sample repeats like one"
    return f"who the {role} is: no name tells, {guess.name} is taken"


def _user(columns: Sequence[LogColumn]) -> Guess:
    shaped = next((c for c in columns if _all_match(c, _USER_SHAPE)), None)
    named = _best_named(columns, USERS)
    if named is None and shaped is not None:
        return Guess(shaped.name, "its values are a user's letter and a number")
    if named is not None:
        return named
    return _most_values(columns, "user")


def _item(
    user: Guess, free: Sequence[LogColumn], every: Sequence[LogColumn], label: LabelGuess
) -> Guess:
    """The item; where a row shows a list of them, a name that no column has.

    What the user alone tells, such as its name, is none.
    """
    if label.shows_items:
        names = {column.name for column in every}
        name = next(n for n in ("item", "shown_item", "item_of_list") if n not in names)
        return Guess(name, "made of the list: the raw rows have no such column", "sure")
    repeated = [column for column in free if not column.unique and column.name != user.name]
    users = [column for column in every if column.name == user.name]
    others = [c for c in repeated if not any(dependence(c, key) >= _SURE for key in users)]
    return _best_named(repeated, ITEMS) or _most_values(others or repeated, "item")


def _best_named(columns: Sequence[LogColumn], ranked: Sequence[str]) -> Guess | None:
    """The column named like one of `ranked`, and like an identifier rather than not.

    A column that mostly holds one value tells nobody apart, as Avazu's `device_id`.
    """
    found = [
        (not c.identifies, rank, c)
        for c in columns
        if c.top_share <= _MOSTLY_ONE
        and (c.identifies or len(c.words) == 1)
        and (rank := named_like(c, ranked)) is not None
    ]
    if not found:
        return None
    _, rank, column = min(found, key=lambda entry: (entry[0], entry[1], -entry[2].distinct))
    begins = column.words[0] == ranked[rank] and rank < len(ranked) // 2
    why = f"its name says {ranked[rank]!r}; {_repeats(column)}"
    return Guess(column.name, why, "sure" if begins else "likely")


def _most_values(columns: Sequence[LogColumn], role: str) -> Guess:
    """The column with most values, rather of those that every row has.

    In a small table without names it is the first that has many: users come first, then items.
    """
    many = [c for c in columns if c.distinct > _MANY and c.complete and c.top_share < _MOSTLY_ONE]
    if many and not any(c.words for c in columns) and len(columns) <= _SMALL_TABLE:
        why = f"no column has a name; the first of those with many: {_repeats(many[0])}"
        return Guess(many[0].name, why, "NOT SURE")
    column = max(columns, key=lambda c: (not c.numeric, c.complete, c.distinct), default=None)
    if column is None:
        return Guess(role, f"{_NOT_FOUND}: no column of the sample repeats like one", "NOT SURE")
    why = f"no name tells the {role}, but {_repeats(column)}"
    return Guess(column.name, why, "NOT SURE")


def _repeats(column: LogColumn) -> str:
    return f"{column.distinct:,} values in {len(column.present):,} rows"


def _all_match(column: LogColumn, shape: re.Pattern[str]) -> bool:
    matching = sum(rows for value, rows in column.counts.items() if shape.fullmatch(value))
    return bool(column.present) and matching >= _SURE * len(column.present)
