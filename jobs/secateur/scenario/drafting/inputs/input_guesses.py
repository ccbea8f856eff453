"""What is guessed of the model's inputs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from secateur.scenario.drafting.guesses import Sureness


@dataclass(frozen=True)
class FieldGuess:
    """The keys of one entry of `features.fields` or `features.counters`, why, and how sure."""

    keys: Mapping[str, object]
    why: str
    sure: Sureness = "likely"

    @property
    def comment(self) -> str:
        """What stands behind the entry."""
        return f"{self.sure}: {self.why}"


@dataclass(frozen=True)
class InputGuesses:
    """The fields, and the columns left out by reason; `shared` are those of drawn events too.

    Where a row shows a list of items, `position` names the item's place in it, and `aligned` the
    columns with a value for each item, by the name that it gets.
    """

    fields: tuple[FieldGuess, ...]
    left_out: dict[str, list[str]]
    shared: tuple[str, ...] = ()
    position: str = ""
    aligned: Mapping[str, str] = field(default_factory=dict)

    def fields_of(self, owner: str) -> list[str]:
        """The columns of this owner among the fields, but for the user and the item themselves."""
        return [str(f.keys["name"]) for f in self.fields[2:] if f.keys["owner"] == owner]


@dataclass(frozen=True)
class MadeInputs:
    """Inputs that are no columns: made of other events, of the time, or by an expression.

    `expressions` are the SQL by the column's name, each with why; `session_column` names sessions,
    where the log does.
    """

    fields: tuple[FieldGuess, ...]
    counters: tuple[FieldGuess, ...]
    expressions: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    session_column: str = ""
