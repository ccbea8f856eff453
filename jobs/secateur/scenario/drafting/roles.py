"""The roles of a log's columns: user, item, time, label; each guess with its reason.

A guess goes by names first, then by how values repeat and what they look like. No reason shows a
value of the log, which may be a user's id.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from secateur.encoding.numbers import number_in
from secateur.scenario.drafting.columns import LogColumn, named_like
from secateur.scenario.time_formats import TimeFormat, time_format_of

USERS = (
    *("user", "uid", "customer", "client", "visitor", "member", "buyer", "viewer", "reader"),
    *("account", "subscriber", "person", "household", "device", "ip", "session"),
)
ITEMS = (
    *("item", "video", "product", "article", "news", "movie", "song", "track", "stock", "sku"),
    *("goods", "book", "listing", "hotel", "ad", "creative", "content", "post", "app", "page"),
    *("site", "game", "offer"),
)
OUTCOMES = (
    *("label", "target", "click", "clicked", "purchase", "purchased", "buy", "bought", "like"),
    *("liked", "conversion", "converted", "view", "watch", "follow", "comment", "forward", "share"),
    *("hate", "dislike", "favorite", "favourite", "cart", "play", "stay", "dwell", "enter"),
    *("rating", "stars", "score"),
)
EVENT_TYPES = ("event", "action", "behavior", "behaviour", "interaction")
POSITIVE_TYPES = ("purchase", "buy", "transaction", "order", "click", "cart", "fav")
_USER_SHAPE = re.compile(r"(?:u|user|usr|uid|cust)[-_]?\d+", re.IGNORECASE)
_MARKED = re.compile(r"\S+-[01](?: \S+-[01])*")
_MOSTLY_ONE = 0.5
_SURE = 0.98
_FEW_TYPES = 20


class Guess(NamedTuple):
    """A column's name for a role, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class LabelGuess:
    """The keys of `[label]`, why, and the share of positives where the sample tells it."""

    keys: Mapping[str, object]
    why: str
    rate: float
    reads: tuple[str, ...] = ()  # the columns that make the label, and so are no inputs
    items: frozenset[str] = frozenset()  # the items of a marked list


@dataclass(frozen=True)
class Roles:
    """The roles; `time` and its spelling are None where no column tells it."""

    user: Guess
    item: Guess
    time: Guess | None
    spelling: TimeFormat | None
    label: LabelGuess
    unique: Guess | None
    outcomes: tuple[str, ...] = field(default=())


def guess_roles(columns: Sequence[LogColumn]) -> Roles:
    """Give every role to the column that fits it best."""
    label = _label(columns)
    time, spelled = _time(columns)
    taken = {*label.reads, *([time.name] if time else [])}
    free = [column for column in columns if column.name not in taken and not column.binary]
    user = _user([column for column in free if not column.unique])
    item = _item([column for column in free if column.name != user.name], label)
    known = {user.name, item.name, *taken}
    outcomes = [
        c.name for c in columns if c.name not in known and named_like(c, OUTCOMES) is not None
    ]
    # Unlike a measured number, what names an event is an identifier.
    ids = [c for c in free if c.unique and c.name not in known and (c.identifies or not c.words)]
    unique = Guess(ids[0].name, "its values never repeat: it names the event") if ids else None
    return Roles(user, item, time, spelled, label, unique, tuple(outcomes))


def _time(columns: Sequence[LogColumn]) -> tuple[Guess | None, TimeFormat | None]:
    found = [(spelled, c) for c in columns if (spelled := time_format_of(c.present, c.words))]
    if not found:
        return None, None
    spelled, column = min(found, key=lambda pair: pair[0].rank)
    return Guess(column.name, spelled.words), spelled


def _user(columns: Sequence[LogColumn]) -> Guess:
    shaped = next((c for c in columns if _all_match(c, _USER_SHAPE)), None)
    named = _best_named(columns, USERS)
    if named is None and shaped is not None:
        return Guess(shaped.name, "its values are a user's letter and a number")
    if named is not None:
        return named
    return _most_values(columns, "user")


def _item(columns: Sequence[LogColumn], label: LabelGuess) -> Guess:
    if label.keys["kind"] == "marked_list":
        return Guess("item", "made of the marked list: the raw rows have no such column")
    repeated = [column for column in columns if not column.unique]
    return _best_named(repeated, ITEMS) or _most_values(repeated, "item")


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
    return Guess(column.name, f"its name says {ranked[rank]!r}; {_repeats(column)}")


def _most_values(columns: Sequence[LogColumn], role: str) -> Guess:
    column = max(columns, key=lambda c: (not c.numeric, c.distinct), default=None)
    if column is None:
        return Guess(role, "NOT FOUND: no column of the sample repeats like one")
    return Guess(column.name, f"NOT SURE: no name tells the {role}, but {_repeats(column)}")


def _repeats(column: LogColumn) -> str:
    return f"{column.distinct:,} values in {len(column.present):,} rows"


def _all_match(column: LogColumn, shape: re.Pattern[str]) -> bool:
    matching = sum(rows for value, rows in column.counts.items() if shape.fullmatch(value))
    return bool(column.present) and matching >= _SURE * len(column.present)


def _label(columns: Sequence[LogColumn]) -> LabelGuess:
    return (
        _marked_list(columns)
        or _binary(columns)
        or _event_type(columns)
        or _threshold(columns)
        or LabelGuess(
            {"kind": "purchase"},
            "no column tells good from bad: every row is taken as a positive, negatives are drawn",
            0.2,
        )
    )


def _marked_list(columns: Sequence[LogColumn]) -> LabelGuess | None:
    for column in columns:
        if column.tokens > 1 and _all_match(column, _MARKED):
            marked = [word for value in column.present for word in value.split()]
            rate = sum(word.endswith("-1") for word in marked) / len(marked)
            keys = {"kind": "marked_list", "column": column.name}
            why = "its values list items marked -0 or -1"
            items = frozenset(word[:-2] for word in marked)
            return LabelGuess(keys, why, rate, (column.name,), items)
    return None


def _binary(columns: Sequence[LogColumn]) -> LabelGuess | None:
    """The binary column that is named like an outcome, or the first of a log without names."""
    ranked = [
        (rank, c)
        for c in columns
        if c.binary and (rank := 0 if not c.words else named_like(c, OUTCOMES)) is not None
    ]
    if not ranked:
        return None
    _, column = min(ranked, key=lambda pair: pair[0])
    others = [c.name for _, c in ranked if c is not column]
    why = f"holds 0 and 1, {column.rate:.1%} of them 1"
    if others:
        why += f"; others such: {', '.join(others)}"
    return LabelGuess({"kind": "column", "column": column.name}, why, column.rate, (column.name,))


def _event_type(columns: Sequence[LogColumn]) -> LabelGuess | None:
    for column in columns:
        if named_like(column, EVENT_TYPES) is None or not 1 < column.distinct <= _FEW_TYPES:
            continue
        types = sorted(column.counts)
        word = next((w for w in POSITIVE_TYPES if any(w in t.lower() for t in types)), None)
        if word:
            positive = [t for t in types if word in t.lower()]
            rate = sum(column.counts[t] for t in positive) / len(column.present)
            keys = {"kind": "event_type", "column": column.name, "positive": positive}
            return LabelGuess(keys, f"the types are {', '.join(types)}", rate, (column.name,))
    return None


def _threshold(columns: Sequence[LogColumn]) -> LabelGuess | None:
    for column in columns:
        rated = named_like(column, ("rating", "ratings", "stars", "score")) is not None
        if rated and column.numeric and 2 < column.distinct <= _FEW_TYPES:
            numbers = {value: number_in(value) for value in column.counts}
            least = 0.8 * max(numbers.values())
            rows = sum(column.counts[value] for value, x in numbers.items() if x >= least)
            keys = {"kind": "threshold", "column": column.name, "at_least": least}
            why = f"ratings from {min(numbers.values()):g} to {max(numbers.values()):g}"
            return LabelGuess(keys, why, rows / len(column.present), (column.name,))
    return None
