"""How numbers are written for people: few digits, a unit, a true minus."""

import re

from secateur.display.readable import SPACE, readable_size, three_digits

MINUS = "\N{MINUS SIGN}"
NONE = "\N{EN DASH}"


def signed_delta(value: float | None, digits: int = 4) -> str:
    """A difference with its sign; zero has none."""
    if value is None:
        return NONE
    text = f"{value:+.{digits}f}"
    return text.replace("-", MINUS) if float(text) else f"{0:.{digits}f}"


def decimal(value: float | None, digits: int = 4) -> str:
    """A measure with so many digits after the point."""
    return NONE if value is None else f"{value:.{digits}f}".replace("-", MINUS)


def count(value: float | None) -> str:
    """A whole number with thousands apart."""
    return NONE if value is None else f"{value:,.0f}"


def byte_size(value: float | None) -> str:
    """Bytes in decimal units, three significant digits."""
    if value is None:
        return NONE
    return readable_size(value)


def duration(microseconds: float | None) -> str:
    """Microseconds as us or ms, three significant digits."""
    if microseconds is None:
        return NONE
    if microseconds < 999.5:
        return f"{three_digits(microseconds)}{SPACE}\N{MICRO SIGN}s"
    return f"{three_digits(microseconds / 1000)}{SPACE}ms"


def clock_time(seconds: float) -> str:
    """Seconds as seconds, minutes, or hours and minutes."""
    if seconds < 100:
        return f"{seconds:.0f}{SPACE}s"
    minutes = round(seconds / 60)
    return f"{minutes}{SPACE}min" if minutes < 100 else f"{minutes // 60}:{minutes % 60:02}{SPACE}h"


def duration_pair(first: float, second: float) -> str:
    """Two durations in microseconds; a unit that they share is written once."""
    one, two = duration(first).split(SPACE), duration(second).split(SPACE)
    return f"{one[0] if one[1:] == two[1:] else SPACE.join(one)} / {SPACE.join(two)}"


def times_smaller(baseline: float | None, value: float | None) -> str:
    """How many times smaller than the baseline."""
    if not baseline or not value:
        return NONE
    return f"{three_digits(baseline / value)}\N{MULTIPLICATION SIGN}"


def percent(value: float | None, digits: int = 0) -> str:
    """A share, 0 to 1, in percent."""
    return NONE if value is None else f"{100 * value:.{digits}f}{SPACE}%"


def without_trailing_zeros(shown: str) -> str:
    """A formatted number as an axis shows it: `1.5 MB` for `1.50 MB`."""
    value, separator, unit = shown.partition(SPACE)
    return (value.rstrip("0").rstrip(".") if "." in value else value) + separator + unit


def with_true_signs(words: str) -> str:
    """A sentence from a log, with true minus and multiplication signs."""
    return re.sub(r"(\d)x\b", "\\1\N{MULTIPLICATION SIGN}", re.sub(r"(?<= )-(?=\d)", MINUS, words))
