"""Texts and rows that hold many values.

A text is cut at each separator. Missing values are left out; of the rest a list keeps its first
`length`, a history its last. A row without any value is an empty list.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from secateur.contracts.features import ListField
from secateur.encoding.spelling import canonical, canonical_text

Value = TypeVar("Value")
Spelling = Callable[[object], str | None]

HISTORY_SEPARATOR = " "  # where a history comes as one text, as in a CSV file


def split(text: str, separator: str) -> list[str]:
    """The canonical values between the separators of a text, without those that are missing.

    The text as a whole is spelled first, as the log's door does.
    """
    found = map(canonical_text, (canonical_text(text) or "").split(separator))
    return [value for value in found if value is not None]


def present(values: Iterable[object], spelling: Spelling = canonical) -> list[object]:
    """A row's raw values without the missing; `spelling` may be a faster `canonical`."""
    return [value for value in values if spelling(value) is not None]


def keep(field: ListField, values: Sequence[Value]) -> Sequence[Value]:
    """The values, of those present, that the model reads."""
    return values[-field.length :] if field.history else values[: field.length]
