"""The one spelling of a value, whatever type a log or a service holds it in.

missing    None, NaN of any type, NaT, NA, what an array masks, and text that is empty or all spaces
text       itself without surrounding spaces, but for the numbers and booleans below. Only the space
           is a blank: a tab or a no-break space was put there, and stays.
boolean    1 or 0, the number it equals in Python, numpy and SQL; so are the texts that JSON, Java
           and Python, R print for it: true, True, TRUE, false, False, FALSE
whole      its digits: 12345678 and 12345678.0 of any type, of floats within 64 bits; -0.0 is 0
float      the least digits that tell it from other doubles, never with an exponent: 2.5, 0.00001,
           10000000000000000000; and Infinity. A float of fewer bits is the number that its shortest
           text spells: 0.1 for float32's 0.10000000149; but a whole one its exact value.
decimal    and fractions: a whole one by its digits, another as the float next to it: 1.50 is 1.5
bytes      the UTF-8 text they hold, U+FFFD for each sequence that is none
date       2024-03-01; a moment 2024-03-01 10:30:00.25, in UTC where it has an offset
array      the JSON array of its values' spellings: ["7","a b",null]; one without values, [], is
           missing. A member of an object is a column of its own; what is none is JSON likewise.

Where a value comes from decides how far text is read as a number. A typed number is spelled by its
value. Of text only what nothing but a float's printer writes is a number: digits and zeros after
the point ("7.0"), and one digit with an exponent that printers resort to (from 6 on, below -3) and
that has a point before it or a sign in it: 1.2345678E7 (Java), 1e-05 and 1e+16 (Python), 1e-7
(JavaScript), 6.5148585e+06 (numpy's float32). All other text stays text: "007", "1.10" (a version),
"+1", "1_000", and above all "05e15411" or "12e4", which are hexadecimal hashes, as Criteo's and
Avazu's columns hold.

`events/spark_spelling.py` says the same in Spark's expressions.
"""

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timezone
from decimal import Decimal
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

# In the syntax that Python, Java and RE2 share; each matches a whole text only.
WHOLE_NUMBER = r"(-?[0-9]+)\.0+"
_LARGE, _SMALL = r"0*(?:[6-9]|[1-9][0-9]{1,2})", r"0*(?:[4-9]|[1-9][0-9]{1,2})"
FLOAT_IN_PRINT = rf"-?[1-9](?:\.[0-9]+[eE]{_LARGE}|(?:\.[0-9]+)?[eE](?:\+{_LARGE}|-{_SMALL}))"
TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
BLANK = " "
NOTHING = "[]"  # an array without values
BEYOND_INT64 = 2.0**63
_LEAST_AT_ONCE = 1e-3  # smaller ones have more decimals than are tried

BOOLEANS = dict.fromkeys(TRUE, "1") | dict.fromkeys(FALSE, "0")
_WHOLE, _IN_PRINT = re.compile(WHOLE_NUMBER), re.compile(FLOAT_IN_PRINT)
# By name: pandas is no dependency of the client, and numpy's constant is of a lazy module.
_NOTHINGS = ("NAType", "NaTType", "MaskedConstant")


def canonical(value: object) -> str | None:
    """The spelling of one raw value of any type; None where it is missing."""
    text: str | None = None
    match value:
        case str():
            text = str.__str__(value)
        case bool() | np.bool_():
            text = "1" if value else "0"
        case np.timedelta64() if np.isnat(value):  # a whole number of numpy's
            text = None
        case int() | np.integer():
            text = str(int(value))
        case float() | np.floating():
            text = _of_float(float_of(value))
        case Decimal():
            text = _of_decimal(value)
        case Fraction():
            text = str(value) if value.denominator == 1 else _of_float(float(value))
        case bytes() | bytearray() | memoryview():
            text = bytes(value).decode("utf-8", "replace")
        case date() | np.datetime64():
            text = _of_date(value)
        case list() | tuple():
            text = print_array(map(canonical, value))
        case Mapping():
            text = _print({str(key): canonical(one) for key, one in value.items()})
        case _ if value is not None and type(value).__name__ not in _NOTHINGS:
            plain = plain_scalar(value)
            text = str(value) if plain is value else canonical(plain)
    return None if text is None else canonical_text(text)


def is_missing(value: object) -> bool:
    """Whether a raw value of any type is missing: the one rule, wherever it is asked."""
    return value is None or canonical(value) is None


def canonical_text(text: str) -> str | None:
    """The spelling of a text; None where it is empty or blank."""
    text = text.strip(BLANK)
    if text in BOOLEANS:
        return BOOLEANS[text]
    whole = _WHOLE.fullmatch(text)
    if whole:
        text = whole[1]
    elif _IN_PRINT.fullmatch(text):
        number = float(text)
        if 0 < abs(number) < float("inf"):
            return _of_float(number)
    return "0" if text == "-0" else None if text in ("", NOTHING) else text


def float_of(value: float | np.floating) -> float:
    """The double that a float of any size stands for: of fewer bits, what its shortest text spells.

    A log's float32 column becomes text on its way to training, as it does in CSV and JSON; so the
    0.1 of a service must be that 0.1 too, and not the double beside it.
    """
    exact = float(value)
    if not isinstance(value, np.float32 | np.float16) or exact.is_integer():
        return exact
    return float(str(value))


def doubles_of(floats: NDArray[np.floating]) -> NDArray[np.float64]:
    """Float64 [n] that floats [n] of any size stand for: `float_of` of each, all at once.

    The shortest text of a float32 has the least decimals that give its bits back.
    """
    numbers = floats.astype(np.float64)
    if floats.dtype.itemsize >= numbers.itemsize:
        return numbers
    left = np.flatnonzero(np.isfinite(numbers) & (numbers != np.rint(numbers)))
    is_one_by_one = (np.abs(numbers[left]) < _LEAST_AT_ONCE) | (floats.dtype.itemsize < 4)
    one_by_one, left = left[is_one_by_one], left[~is_one_by_one]
    numbers[one_by_one] = [float_of(value) for value in floats[one_by_one]]
    for decimals in range(1, 12):
        if not len(left):
            break
        unit = 10.0**decimals
        spelled = np.rint(numbers[left] * unit) / unit
        found = spelled.astype(np.float32) == floats[left]
        numbers[left[found]] = spelled[found]
        left = left[~found]
    return numbers


def plain_scalar(value: object) -> object:
    """Python's or numpy's own value of a scalar of Arrow's, or of an array without dimensions.

    Any other value is given back as it is.
    """
    if hasattr(value, "as_py"):
        narrow = {"float": np.float32, "halffloat": np.float16}.get(str(getattr(value, "type", "")))
        plain = value.as_py()
        return plain if narrow is None or plain is None else narrow(plain)
    if getattr(value, "ndim", None) == 0:
        return value[()] if isinstance(value, np.ndarray) else value.item()  # type: ignore[attr-defined]
    return value


def print_array(spelled: Iterable[str | None]) -> str:
    """The text of an array whose values are spelled so."""
    return _print(list(spelled))


def _print(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _of_float(number: float) -> str | None:
    if number.is_integer() and abs(number) < BEYOND_INT64:
        return str(int(number))
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    text = repr(number)
    return None if math.isnan(number) else format(Decimal(text), "f") if "e" in text else text


def _of_decimal(number: Decimal) -> str | None:
    if number.is_finite() and number == number.to_integral_value():
        return str(int(number))
    return _of_float(float(number)) if not number.is_nan() else None


def _of_date(value: date | np.datetime64) -> str | None:
    """As Spark prints dates and moments: no zeros at the end of a fraction."""
    if value != value:  # noqa: PLR0124 - NaT, of numpy or pandas
        return None
    if isinstance(value, np.datetime64):
        is_date = np.datetime_data(value.dtype)[0] in ("Y", "M", "W", "D")
        value = value.astype("datetime64[D]" if is_date else "datetime64[us]").item()
    if not isinstance(value, datetime):
        return str(value)
    moment = value.astimezone(timezone.utc) if value.tzinfo else value
    text = moment.replace(tzinfo=None).isoformat(" ", "microseconds")
    return text.rstrip("0").removesuffix(".")
