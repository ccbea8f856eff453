"""Sizes and ages as people say them; programs get bytes and times as they are."""

from datetime import datetime, timedelta, timezone

SPACE = "\N{NO-BREAK SPACE}"
_UNITS = ("B", "kB", "MB", "GB", "TB")
_AGES = (("d", 86400), ("h", 3600), ("min", 60), ("s", 1))


def readable_size(value: float) -> str:
    """Bytes in decimal units, three significant digits."""
    if value < 1000:
        return f"{value:.0f}{SPACE}B"
    unit = 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value /= 1000
        unit += 1
    return f"{three_digits(value)}{SPACE}{_UNITS[unit]}"


def three_digits(value: float) -> str:
    """Three significant digits, never fewer than the whole part has."""
    value = float(f"{value:.3g}") if value < 100 else value
    whole = len(str(int(value))) if value >= 1 else 0
    return f"{value:,.{max(0, 3 - whole)}f}" if value else "0"


def readable_age(then: str | datetime, now: datetime | None = None) -> str:
    """How long ago a time with a zone is, or in how long: `3 h ago`, `in 5 d`.

    Empty where a publisher wrote what is no such time.
    """
    try:
        moment = datetime.fromisoformat(then) if isinstance(then, str) else then
        gone = (now or datetime.now(timezone.utc)) - moment
    except (ValueError, TypeError):
        return ""
    seconds = round(abs(gone / timedelta(seconds=1)))
    unit, size = next(((u, s) for u, s in _AGES if seconds >= 2 * s), _AGES[-1])
    span = f"{seconds // size} {unit}"
    return f"{span} ago" if gone >= timedelta(0) else f"in {span}"
