"""What is to be learned: the label that a log's columns tell, and what would tell it too."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from secateur.encoding.numbers import number_in
from secateur.scenario.drafting.columns import LogColumn, named_like
from secateur.scenario.drafting.guesses import ITEMS, Sureness
from secateur.scenario.drafting.shown_lists import clicked_list, context_rows, marked_list

PER_POSITIVE = 2  # negatives drawn where the log has none
OUTCOMES = (
    *("label", "target", "click", "clicked", "clk", "purchase", "purchased", "buy", "bought"),
    *("like", "liked", "conversion", "converted", "attributed", "booked", "booking", "ordered"),
    *("view", "viewed", "watch", "watched", "follow", "comment", "forward", "share", "hate"),
    *("dislike", "favorite", "favourite", "cart", "play", "played", "stay", "dwell", "enter"),
    *("watching", "listen", "overall"),
    *("rating", "stars", "score", "installed", "subscribed", "responded", "response", "read"),
)
# Words that measure an outcome or say that it is one: `play_time_ms`, `click_flag`.
_MEASURES = {
    *("ms", "s", "sec", "secs", "seconds", "time", "duration", "length", "count", "cnt", "num"),
    *("flag", "rate", "times", "ratio", "percent", "pct", "label", "total"),
}
# What others thought of the event later: no label, and no input.
_VOTES = {"useful", "helpful", "funny", "cool", "votes", "upvotes", "downvotes"}
RATINGS = ("rating", "ratings", "stars", "score", "overall")
_MEASURED = ("ratio", "percent", "pct", "time", "duration", "seconds", "secs", "sec", "s", "ms")
_SEEN_TYPES = ("pv", "view", "impression", "exposure", "show", "detail")
EVENT_TYPES = ("event", "action", "behavior", "behaviour", "interaction")
# What is wanted most comes first.
POSITIVE_TYPES = (
    *("purchase", "buy", "bought", "transaction", "order", "checkout", "conversion", "payment"),
    *("book", "subscribe", "click", "cart", "fav", "like", "save", "play", "download", "install"),
)
_FEW_TYPES = 30
_SMALL_TABLE = 8  # columns, of which one without a name may be ratings
_RARE = 0.003
_TYPE_WORD = re.compile(r"[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class LabelGuess:
    """The keys of `[label]`, why, and the share of positives where the sample tells it.

    `reads` are the columns that make the label, and so are no inputs; `items` those of lists.
    `decide` says what a person must decide where the sample does not tell.
    """

    keys: Mapping[str, object]
    why: str
    rate: float
    sure: Sureness = "likely"
    reads: tuple[str, ...] = ()
    items: frozenset[str] = frozenset()
    decide: str = ""
    touches: str = ""  # SQL that is 1 for an action that touches an item without a list

    @property
    def positive(self) -> tuple[str, ...]:
        """The types of events that are positives, where types tell."""
        found = self.keys.get("positive", ())
        return tuple(map(str, found)) if isinstance(found, list | tuple) else ()

    @property
    def shows_items(self) -> bool:
        """Whether a row shows many items."""
        return self.keys["kind"] in ("marked_list", "clicked_list")

    @property
    def draws_negatives(self) -> bool:
        """Whether its negatives are drawn."""
        return self.keys["kind"] == "purchase"


def guess_label(columns: Sequence[LogColumn]) -> LabelGuess:
    """The label that the columns tell best."""
    return (
        _from_marked_list(columns)
        or _beside_item(columns)
        or _from_clicked_list(columns)
        or _binary(columns)
        or _event_type(columns)
        or _threshold(columns)
        or _measured_outcome(columns)
        or _purchase(columns)
    )


def labels_of(label: LabelGuess, columns: Sequence[LogColumn]) -> tuple[bool | None, ...]:
    """The label of every row of the sample, None where it tells none; () where no column does."""
    column = next((c for c in columns if c.name == label.keys.get("column")), None)
    kind = label.keys["kind"]
    if column is None or label.shows_items:
        return ()
    if kind == "event_type":
        return tuple(None if v is None else v in label.positive for v in column.values)
    least = float(str(label.keys.get("at_least", 1)))
    numbers = (number_in(value) if value is not None else None for value in column.values)
    return tuple(None if number is None else number >= least for number in numbers)


def is_outcome(column: LogColumn) -> bool:
    """Whether its name says that it may be known only after the event, and would tell the label.

    What the name ends in counts: `play_time_ms` is an outcome, `click_os` and `view_id` are none.
    """
    words = list(column.words)
    while words and words[-1] in _MEASURES and len(words) > 1:
        words.pop()
    return bool(words) and words[-1] in _VOTES.union(OUTCOMES)


def _from_marked_list(columns: Sequence[LogColumn]) -> LabelGuess | None:
    found = marked_list(columns)
    if found is None:
        return None
    keys: dict[str, object] = {"kind": "marked_list", "column": found.column.name}
    keys |= {"separator": found.separator} if found.separator != " " else {}
    keys |= {"mark": found.mark} if found.mark != "-" else {}
    why = f"its values list items marked {found.mark}0 or {found.mark}1"
    return LabelGuess(keys, why, found.rate, "sure", (found.column.name,), found.items)


def _beside_item(columns: Sequence[LogColumn]) -> LabelGuess | None:
    """The binary column of a log whose rows each tell of one of the items that they list."""
    found = clicked_list(columns)
    named = found is not None and named_like(found.clicked, ITEMS) is not None
    return _binary([c for c in columns if c.words]) if named else None


def _from_clicked_list(columns: Sequence[LogColumn]) -> LabelGuess | None:
    found = clicked_list(columns)
    if found is None:
        return None
    keys: dict[str, object] = {"kind": "clicked_list", "column": found.column.name}
    keys |= {"separator": found.separator} if found.separator != "|" else {}
    keys["clicked"] = found.clicked.name
    why = f"{found.clicked.name} is one of the items that {found.column.name} lists"
    if found.shown < 1:
        why += f"; {found.shown:.1%} of the rows show any"
    types = next((c for c in columns if _has_types(c)), None)
    context = context_rows(columns, found, types)
    if context:
        keys["context"] = {"where": context.where, "item": found.clicked.name}
        why += f"; {context.rows / len(found.column.values):.1%} touch an item without a list"
    reads = (found.column.name, found.clicked.name)
    touches = context.touches if context else ""
    return LabelGuess(keys, why, found.rate, "likely", reads, found.items, touches=touches)


def _binary(columns: Sequence[LogColumn]) -> LabelGuess | None:
    """The binary column that is named like an outcome, or the first of a log without names."""
    ranked = [
        (not is_outcome(c), rank, c)
        for c in columns
        if c.binary and (rank := 0 if not c.words else named_like(c, OUTCOMES)) is not None
    ]
    if not ranked:
        return None
    _, _, column = min(ranked, key=lambda entry: entry[:2])
    others = [c.name for _, _, c in ranked if c is not column]
    why = f"holds 0 and 1, {column.rate:.1%} of them 1"
    sure: Sureness = "sure" if column.words and not others else "likely"
    if others:
        why += f"; others such: {', '.join(others)}"
    keys = {"kind": "column", "column": column.name}
    return LabelGuess(keys, why, column.rate, sure, (column.name,))


def _event_type(columns: Sequence[LogColumn]) -> LabelGuess | None:
    for column in columns:
        if not _has_types(column):
            continue
        types = sorted(column.counts)
        often = {t for t in types if column.counts[t] >= _RARE * len(column.present)}
        positive = _positive_types(types, often) or _positive_types(types, set(types))
        told = bool(positive)
        positive = positive or [min(sorted(often) or types, key=lambda t: column.counts[t])]
        rate = sum(column.counts[t] for t in positive) / len(column.present)
        keys = {"kind": "event_type", "column": column.name, "positive": positive}
        why = f"the types are {', '.join(types)}"
        if told:
            return LabelGuess(keys, why, rate, "likely", (column.name,))
        why += "; the rarest is taken, as no name tells which is wanted"
        decide = f"which types of {column.name} are positives"
        return LabelGuess(keys, why, rate, "NOT SURE", (column.name,), decide=decide)
    return None


def _has_types(column: LogColumn) -> bool:
    if not 1 < column.distinct <= _FEW_TYPES or column.numeric:
        return named_like(column, EVENT_TYPES) is not None and 1 < column.distinct <= _FEW_TYPES
    words = (*POSITIVE_TYPES, *_SEEN_TYPES)
    told = sum(any(_names(kind, word) for word in words) for kind in column.counts)
    return named_like(column, EVENT_TYPES) is not None or (not column.words and told >= 2)


def _positive_types(types: Sequence[str], allowed: set[str]) -> list[str]:
    """The types that the most wanted word names."""
    for word in POSITIVE_TYPES:
        named = [t for t in types if t in allowed and _names(t, word)]
        if named:
            return named
    return []


def _names(kind: str, word: str) -> bool:
    """Whether a type is of this word: "clickout item" of click, "change of sort order" of no order.

    It begins with the word, is one word that holds it (`addtocart`), or two that end in it.
    """
    words = [found.lower() for found in _TYPE_WORD.findall(kind)]
    if not words:
        return False
    alone = len(words) == 1 and word in words[0]
    ends = words[-1] == word and (len(words) == 2 or words[0] == "add")
    return words[0].startswith(word) or alone or ends


def _threshold(columns: Sequence[LogColumn]) -> LabelGuess | None:
    for column in columns:
        rated = named_like(column, RATINGS) is not None
        unnamed = len(columns) <= _SMALL_TABLE and _looks_like_stars(column)
        if (rated or unnamed) and column.numeric and 2 < column.distinct <= _FEW_TYPES:
            numbers = {value: number_in(value) for value in column.counts}
            least = 0.8 * max(numbers.values())
            rows = sum(column.counts[value] for value, x in numbers.items() if x >= least)
            keys = {"kind": "threshold", "column": column.name, "at_least": least}
            why = f"ratings from {min(numbers.values()):g} to {max(numbers.values()):g}"
            decide = "" if rated else f"whether {column.name} holds ratings, {why[8:]}"
            sure: Sureness = "likely" if rated else "NOT SURE"
            rate = rows / len(column.present)
            return LabelGuess(keys, why, rate, sure, (column.name,), decide=decide)
    return None


def _looks_like_stars(column: LogColumn) -> bool:
    """Whether a column without a name holds some whole or half numbers up to 5 or 10."""
    if column.words or not column.numeric or not column.complete:
        return False
    numbers = {number_in(value) for value in column.counts}
    steps = all(number >= 0 and (2 * number).is_integer() for number in numbers)
    return steps and len(numbers) >= 5 and max(numbers) in (5, 10)


def _measured_outcome(columns: Sequence[LogColumn]) -> LabelGuess | None:
    """A measured outcome, such as a watch ratio or a dwell time; rather a ratio than a time."""
    found = [c for c in columns if c.numeric and c.complete and _is_measured(c)]
    column = min(found, key=lambda c: named_like(c, _MEASURED) or 0, default=None)
    if column is None or column.distinct < 2:
        return None
    numbers = sorted(number_in(value) for value in column.present)
    least = round(numbers[len(numbers) // 2], 6)
    rate = sum(number >= least for number in numbers) / len(numbers)
    keys = {"kind": "threshold", "column": column.name, "at_least": least}
    why = f"{column.name} measures an outcome; its median is taken"
    decide = f"from which {column.name} on an event is a positive: {least:g}, the median, is taken"
    return LabelGuess(keys, why, rate, "NOT SURE", (column.name,), decide=decide)


def _is_measured(column: LogColumn) -> bool:
    return is_outcome(column) and column.words[-1] in _MEASURED


def _purchase(columns: Sequence[LogColumn]) -> LabelGuess:
    why = "no column tells good from bad: every row is taken as a positive, negatives are drawn"
    binary = [column.name for column in columns if column.binary]
    rate = 1 / (1 + PER_POSITIVE)
    if not binary:
        return LabelGuess({"kind": "purchase"}, why, rate, "likely")
    decide = f"whether {' or '.join(binary)}, which hold 0 and 1, is what is to be learned"
    return LabelGuess({"kind": "purchase"}, why, rate, "NOT SURE", decide=decide)
