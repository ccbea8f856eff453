"""Texts and rows that hold many values.

A text that is a whole array, as JSON or Python prints one, holds that array's values, whatever the
separator: ["a b",7]. Any other is cut at each separator. Missing values are left out; of the rest a
list keeps its first `length`, a history its last. A row without any value is an empty list.
"""

import ast
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from secateur.contracts.features import ListField
from secateur.encoding.spelling import canonical, canonical_text

Value = TypeVar("Value")
Spelling = Callable[[object], str | None]

HISTORY_SEPARATOR = " "  # where a history comes as one text, as in a CSV file


def split(text: str, separator: str) -> list[str]:
    """The canonical values that a text holds, without those that are missing.

    The text as a whole is spelled first, as the log's door does.
    """
    found = map(canonical, parts(canonical_text(text) or "", separator))
    return [value for value in found if value is not None]


def parts(spelled: str, separator: str) -> Sequence[object]:
    """The raw values that a canonical text holds: an array's, else those between separators."""
    values = printed_array(spelled)
    return spelled.split(separator) if values is None else values


def printed_array(spelled: str) -> list[object] | None:
    """The raw values of the array that a text is; None where it is none."""
    if not may_be_array(spelled) or spelled[-1] != "]":
        return None
    for read in (json.loads, ast.literal_eval):
        try:
            values = read(spelled)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        return [canonical(v) if isinstance(v, list | Mapping) else v for v in values]
    return None


def may_be_array(spelled: str) -> bool:
    """A quick look at whether a text may be an array."""
    return spelled[:1] == "["


def present(values: Iterable[object], spelling: Spelling = canonical) -> list[object]:
    """A row's raw values without the missing; `spelling` may be a faster `canonical`."""
    return [value for value in values if spelling(value) is not None]


def keep(field: ListField, values: Sequence[Value]) -> Sequence[Value]:
    """The values, of those present, that the model reads."""
    return values[-field.length :] if field.history else values[: field.length]
