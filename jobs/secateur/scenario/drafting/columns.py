"""What a column of a sample looks like: numbers or words, how values repeat, what tells them."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

from secateur.encoding.numbers import number_in
from secateur.scenario.drafting.guesses import Sureness
from secateur.scenario.raw_log.column_names import PREFIX
from secateur.scenario.raw_log.sample import LogSample

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
# `visitorid` is two words.
_GLUED = re.compile(
    "(user|visitor|customer|client|member|item|product|video|movie|article|news|song|track|book"
    "|hotel|business|session|transaction|order|event|page|post|shop|seller|content)(ids?)"
)
_ANONYMOUS = re.compile(r"column_\d+")
_IDENTIFYING = {"id", "ids", "code", "key", "no", "number", "uuid", "hash", "ip", "sku", "uid"}
_SURE = 0.98
_FEW = 20


@dataclass(frozen=True)
class LogColumn:
    """One column of a sample: its `values` by row, None where missing."""

    name: str
    values: tuple[str | None, ...]

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The lower-case words in the name: ("customer", "id"); none in a made-up name."""
        name = self.name.removeprefix(PREFIX)
        if _ANONYMOUS.fullmatch(name):
            return ()
        found = (word.lower() for word in _WORD.findall(name))
        parts = ((word, _GLUED.fullmatch(word)) for word in found)
        return tuple(w for word, glued in parts for w in (glued.groups() if glued else [word]))

    @cached_property
    def present(self) -> tuple[str, ...]:
        """The values that are not missing."""
        return tuple(value for value in self.values if value is not None)

    @cached_property
    def counts(self) -> Counter[str]:
        """Rows by value."""
        return Counter(self.present)

    @property
    def complete(self) -> bool:
        """Whether almost every row has a value."""
        return len(self.present) >= _SURE * len(self.values)

    @property
    def distinct(self) -> int:
        """How many values there are."""
        return len(self.counts)

    @property
    def unique(self) -> bool:
        """Whether no value comes twice."""
        return 1 < self.distinct == len(self.values)

    @property
    def top_share(self) -> float:
        """Share of the most frequent value among those present."""
        return self.counts.most_common(1)[0][1] / len(self.present) if self.present else 1.0

    @property
    def binary(self) -> bool:
        """Whether it holds 0 and 1, both, and nothing else."""
        return set(self.counts) == {"0", "1"}

    @cached_property
    def numeric(self) -> bool:
        """Whether almost every value is a finite number."""
        numbers = sum(rows for value, rows in self.counts.items() if isfinite(number_in(value)))
        return bool(self.present) and numbers >= _SURE * len(self.present)

    @property
    def rate(self) -> float:
        """Share of 1 in a binary column."""
        return self.counts["1"] / len(self.present)

    @property
    def identifies(self) -> bool:
        """Whether the name ends like an identifier's, such as `CustomerID`."""
        return bool(self.words) and self.words[-1] in _IDENTIFYING

    @cached_property
    def tokens(self) -> float:
        """Mean number of blank-separated words in a value."""
        return sum(len(v.split()) for v in self.present) / max(len(self.present), 1)


def describe_columns(sample: LogSample) -> tuple[LogColumn, ...]:
    """The sample, column by column."""
    values = zip(*sample.rows, strict=True) if sample.rows else ((),) * len(sample.columns)
    return tuple(LogColumn(name, tuple(v)) for name, v in zip(sample.columns, values, strict=True))


def dependence(column: LogColumn, key: LogColumn) -> float:
    """How far a key tells the column: the share of rows that have their key's most frequent value.

    Counted are keys with two rows or more; 0 where there are fewer than 20 of them.
    """
    groups: dict[str, list[str | None]] = defaultdict(list)
    for value, of in zip(column.values, key.values, strict=True):
        if of is not None:
            groups[of].append(value)
    repeated = [values for values in groups.values() if len(values) > 1]
    if len(repeated) < _FEW:
        return 0.0
    most_frequent = sum(Counter(values).most_common(1)[0][1] for values in repeated)
    return most_frequent / sum(map(len, repeated))


def owner_of(
    column: LogColumn, user: LogColumn, item: LogColumn | None
) -> tuple[str, str, Sureness]:
    """Owner of a column, why, and how sure: who alone tells it, user or item, else the context."""
    shares = {"user": dependence(column, user), "item": dependence(column, item) if item else 0.0}
    owner = max(shares, key=lambda name: shares[name])
    if shares[owner] >= _SURE and shares["user"] != shares["item"]:
        sure: Sureness = "sure" if shares[owner] == 1 else "likely"
        return owner, f"one value {'a' if owner == 'user' else 'an'} {owner}", sure
    return "context", "differs from event to event", "likely"


def in_rows(columns: Sequence[LogColumn], kept: Sequence[bool]) -> tuple[LogColumn, ...]:
    """The columns with those rows alone that are kept, [rows]."""
    rows = [number for number, is_kept in enumerate(kept) if is_kept]
    return tuple(LogColumn(c.name, tuple(c.values[row] for row in rows)) for c in columns)


def named_like(column: LogColumn, ranked: Sequence[str]) -> int | None:
    """The rank of the first word of `ranked` that the column's name has."""
    return next((rank for rank, word in enumerate(ranked) if word in column.words), None)
