"""What a guess is: a name, why, and how sure it is."""

from typing import Literal, NamedTuple

Sureness = Literal["sure", "likely", "NOT SURE"]


class Guess(NamedTuple):
    """A column's name for a role, why, and how sure that is."""

    name: str
    why: str
    sure: Sureness = "likely"

    @property
    def comment(self) -> str:
        """What stands behind the key that it made."""
        return f"{self.sure}: {self.why}"
