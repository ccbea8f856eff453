"""Inputs that no column holds: what was known of user and item, their sessions, the hour.

Each is proposed only where the log's habits show that it can tell something.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from secateur.scenario.drafting.columns import LogColumn, dependence
from secateur.scenario.drafting.inputs.field_guesses import names_session
from secateur.scenario.drafting.inputs.input_guesses import FieldGuess, MadeInputs
from secateur.scenario.drafting.roles import Roles
from secateur.scenario.drafting.shown_lists import list_with
from secateur.scenario.raw_log.habits import LogHabits
from secateur.scenario.sections.tables import DELIMITERS, TableFormat

_OFTEN, _SESSIONS, _YOUNG, _HOURS, _AGAIN = 0.2, 0.2, 0.2, 6, 0.05
_OUTCOMES, _RARE = 2, 0.01  # other outcomes that are counted, and the least share of one
_TYPES = 3  # of actions that are counted
_HISTORY, _LAST_HOURS = 20, 3
_OF_DAY = {"freshness": "day"}

Counted = tuple[str, float, str]  # a column of 1 and 0, its rate, and what it is


@dataclass(frozen=True)
class InputMaker:
    """What the inputs are made of; without `is_timed` the log's days are made up."""

    columns: Sequence[LogColumn]
    roles: Roles
    table: TableFormat
    habits: LogHabits
    window_days: int
    is_timed: bool = True

    def guess(self) -> MadeInputs:
        """All of them."""
        expressions = dict(self._expressions())
        counters = [
            *self._base(),
            *self._own_takings(),
            *self._others(),
            *self._sessions(),
            *self._young_items(),
        ]
        fields = (*self._places(), *self._times(), *self._histories())
        column = self._session_column if self._has_sessions else ""
        return MadeInputs(fields, tuple(counters), expressions, column)

    @property
    def _user(self) -> str:
        return self.roles.user.name

    @property
    def _item(self) -> str:
        return self.roles.item.name

    @cached_property
    def _column_names(self) -> set[str]:
        return {column.name for column in self.columns}

    def _free(self, name: str) -> str:
        return name if name not in self._column_names else f"made_{name}"

    @property
    def _fresh(self) -> dict[str, object]:
        """Counters are those of the night before, but for lists, which mostly show what is new."""
        return {} if self.roles.label.shows_items else {**_OF_DAY}

    @property
    def _has_sessions(self) -> bool:
        finer = self.roles.spelling is not None and self.roles.spelling.tells_hours
        return self.is_timed and finer and self.habits.in_session >= _SESSIONS

    @cached_property
    def _session_column(self) -> str:
        """The column that names sessions: each of one user's, and of several rows."""
        user = next((c for c in self.columns if c.name == self._user), None)
        for column in self.columns:
            named = names_session(column)
            repeats = 1 < column.distinct < len(column.present)
            if user and named and repeats and column is not user and dependence(user, column) == 1:
                return column.name
        return ""

    def _base(self) -> Iterator[FieldGuess]:
        rate = round(self.roles.label.rate, 3)
        drawn = self.roles.label.draws_negatives
        measures: dict[str, object] = {"measures": ["positives"]} if drawn else {}
        why = "positives alone: a service knows of no drawn negatives" if drawn else "of a week"
        for key, owner in dict.fromkeys(((self._user, "user"), (self._item, "item"))):
            keys: dict[str, object] = {"keys": [key], "owner": owner}
            keys |= measures | self._fresh | {"prior_rate": rate}
            yield FieldGuess(keys, why)

    def _own_takings(self) -> Iterator[FieldGuess]:
        """What the user took of the item itself, where users take a thing again."""
        if self.habits.retaken < _AGAIN or self.roles.label.shows_items or not self.is_timed:
            return
        rate = round(self.roles.label.rate, 3)
        keys: dict[str, object] = {"keys": [self._user, self._item], "owner": "item"}
        keys |= {"measures": ["positives"], "freshness": "day", "window_days": self.window_days}
        share = f"{self.habits.retaken:.0%} of the rows are of an item that the user had before"
        yield FieldGuess(keys | {"prior_rate": rate}, share)

    def _others(self) -> Iterator[FieldGuess]:
        """Other outcomes of earlier events."""
        for column, rate, what in self._other_outcomes():
            said: dict[str, object] = {"of": column, "measures": ["rate"], **self._fresh}
            said["prior_rate"] = rate
            yield FieldGuess({"keys": [self._item], "owner": "item", **said}, f"how often {what}")
            if self._types:
                both: dict[str, object] = {"keys": [self._user, self._item], "owner": "item"}
                both |= {"of": column, "measures": ["positives"], "prior_rate": rate}
                yield FieldGuess(both, f"the user's own, of this item: how often {what}")
            else:
                keys = {"keys": [self._user], "owner": "user", **said}
                yield FieldGuess(keys, f"the user's own: how often {what}")

    def _other_outcomes(self) -> Iterator[Counted]:
        if self._types:
            for name, kind in self._types.items():
                rows = sum(column.counts[kind] for column in self._type_column)
                total = sum(len(column.present) for column in self._type_column)
                yield name, round(rows / total, 3), f"it was {kind}"
            return
        binary = [c for c in self.columns if c.name in self.roles.outcomes and c.binary]
        common = sorted((c for c in binary if c.rate >= _RARE), key=lambda c: -c.rate)
        yield from ((c.name, round(c.rate, 3), f"{c.name} was 1") for c in common[:_OUTCOMES])

    @cached_property
    def _type_column(self) -> list[LogColumn]:
        label = self.roles.label
        is_typed = label.keys["kind"] == "event_type"
        return [c for c in self.columns if is_typed and c.name == label.keys["column"]]

    @cached_property
    def _types(self) -> Mapping[str, str]:
        """The most frequent actions that are no positives, by the column that tells them."""
        found: dict[str, str] = {}
        for column in self._type_column:
            wanted = self.roles.label.positive
            others = [kind for kind, _ in column.counts.most_common() if kind not in wanted]
            for kind in others[:_TYPES]:
                word = "".join(c if c.isalnum() else "_" for c in kind.lower()).strip("_")
                found.setdefault(self._free(f"was_{word or len(found)}"), kind)
        return found

    def _expressions(self) -> Iterator[tuple[str, tuple[str, str]]]:
        for name, kind in self._types.items():
            text = kind.replace("\\", "\\\\").replace("'", "\\'")
            sql = f"int(`{self._type_column[0].name}` = '{text}')"
            yield name, (sql, "likely: an action that earlier events tell, and counters count")
        if self.roles.label.touches and self._has_sessions:
            why = "likely: an action on an item, which later rows of the session count"
            yield self._free("touched"), (self.roles.label.touches, why)
        if self._shown_list is not None:
            column, separator = self._shown_list
            sql = f"array_position(split(`{column}`, '[{separator}]'), `{self._item}`)"
            yield self._free("position"), (sql, f"likely: the item's place among {column}")

    @cached_property
    def _shown_list(self) -> tuple[str, str] | None:
        """A column that lists the items shown, where a row tells of one of them."""
        item = next((c for c in self.columns if c.name == self._item), None)
        delimited = self.table.format in DELIMITERS
        return list_with(self.columns, item) if item and delimited else None

    def _places(self) -> Iterator[FieldGuess]:
        if self._shown_list is not None:
            keys: dict[str, object] = {
                "name": self._free("position"),
                "owner": "item",
                "kind": "bucket",
            }
            yield FieldGuess(keys, f"the item's place among {self._shown_list[0]}")

    def _times(self) -> Iterator[FieldGuess]:
        finer = self.roles.spelling is not None and self.roles.spelling.tells_hours
        if self.is_timed and finer and self.habits.hours >= _HOURS:
            name = self._free("hour_of_day")
            keys: dict[str, object] = {"name": name, "owner": "context", "of_time": "hour_of_day"}
            yield FieldGuess(keys, f"the log has rows at {self.habits.hours} hours of the day")

    def _histories(self) -> Iterator[FieldGuess]:
        if self.habits.again >= _OFTEN and self._user != self._item and self.is_timed:
            why = f"{self.habits.again:.0%} of the rows are of users who were there before"
            yield FieldGuess(self._history("last_items", _HISTORY), why)
        if self._has_sessions:
            keys = self._history("last_of_session", 1) | {"within": "session"}
            keys["positives_only"] = False
            yield FieldGuess(keys, "the item before this one in the user's session")

    def _history(self, name: str, length: int) -> dict[str, object]:
        keys: dict[str, object] = {"name": self._free(name), "owner": "user", "kind": "history"}
        keys |= {"shares": self._item, "length": length}
        if self._type_column:
            keys |= {"positives_only": False}
        return keys

    def _sessions(self) -> Iterator[FieldGuess]:
        if self._has_sessions:
            drawn = self.roles.label.draws_negatives
            measures = ["positives", "gap"] if drawn else ["events", "rate", "gap"]
            rate = round(self.roles.label.rate, 3)
            keys = {"keys": [self._user], "owner": "user", "within": "session"}
            share = f"{self.habits.in_session:.0%} of the rows follow another within half an hour"
            yield FieldGuess(keys | {"measures": measures, "prior_rate": rate}, share)
            if self.roles.label.touches:
                both: dict[str, object] = {"keys": [self._user, self._item], "owner": "item"}
                both |= {"of": self._free("touched"), "within": "session"}
                both |= {"measures": ["positives"], "prior_rate": rate}
                yield FieldGuess(both, "how often the user touched this item in the session")

    def _young_items(self) -> Iterator[FieldGuess]:
        finer = self.roles.spelling is not None and self.roles.spelling.tells_hours
        if not (self.is_timed and finer and self.habits.young >= _YOUNG):
            return
        rate = round(self.roles.label.rate, 3)
        why = f"{self.habits.young:.0%} of the events are of items younger than a day"
        drawn = self.roles.label.draws_negatives
        for hours in (_LAST_HOURS, 24):
            keys = {"keys": [self._item], "owner": "item", "window_hours": hours}
            measures: dict[str, object] = {"measures": ["positives"]} if drawn else {}
            yield FieldGuess({**keys, **measures, "prior_rate": rate}, why)
        age = {"keys": [self._item], "owner": "item", "measures": ["age"], "prior_rate": rate}
        yield FieldGuess(age, why)
