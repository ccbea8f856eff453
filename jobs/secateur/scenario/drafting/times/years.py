"""Days that are told without their year: how they are spelled, and of which year they may be."""

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from secateur.scenario.drafting.guesses import Sureness
from secateur.scenario.drafting.times.time_spellings import COARSE, TIME_WORDS, TimeFormat

_YEARLESS = re.compile(r"(\d{1,2})([-/])(\d{1,2})(?: (\d{1,2})(:\d\d)?(:\d\d)?)?")
_MONTH_AND_DAY = re.compile(r"(\d{1,2})(\d\d)")
_BARE = ("MMdd", "Mdd")
_SURE = 0.99
_YEAR_IN_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)(?!\d)")
_WINTER = {12, 1}


class YearGuess(NamedTuple):
    """The year of days that tell none, why, how sure that is, and what a person must decide."""

    year: int
    why: str
    sure: Sureness
    decide: str = ""


def yearless_format_of(values: Sequence[str], name_words: Sequence[str]) -> TimeFormat | None:
    """How `values` spell days without their year, such as 11-24, 6/3 22:00 or 1124; else None.

    Both parts must vary; bare digits are such days only in a column that is named like a time.
    """
    distinct = set(values)
    found = [m for value in distinct if (m := _YEARLESS.fullmatch(value))]
    if TIME_WORDS & set(name_words) and not found:
        found = [m for value in distinct if (m := _MONTH_AND_DAY.fullmatch(value))]
    if len(found) < max(2, _SURE * len(distinct)):
        return None
    places = (1, 2) if found[0].re is _MONTH_AND_DAY else (1, 3)
    parts = [[int(m[place]) for m in found] for place in places]
    is_day_first = max(parts[0]) > 12
    months, days = reversed(parts) if is_day_first else parts
    if not 1 <= min(months) <= max(months) <= 12 or not 1 <= min(days) <= max(days) <= 31:
        return None
    if found[0].re is _MONTH_AND_DAY:
        return TimeFormat(_BARE[any(len(m[0]) < 4 for m in found)], COARSE)
    return TimeFormat(_yearless_pattern(found, is_day_first), 0 if found[0][4] else COARSE)


def _yearless_pattern(found: Sequence[re.Match[str]], is_day_first: bool) -> str:
    """Spark's pattern of month and day, and of the time of day that may follow."""
    letters = ("d", "M") if is_day_first else ("M", "d")
    width = min(len(m[place]) for m in found for place in (1, 3))
    day = found[0][2].join(letter * width for letter in letters)
    if not found[0][4]:
        return day
    hour = "H" * min(len(m[4] or "00") for m in found)
    return f"{day} {hour}{':mm' if found[0][5] else ''}{':ss' if found[0][6] else ''}"


def guess_year(values: Sequence[str], time_format: str, file: Path) -> YearGuess:
    """The year that the file's path names, or else the newest that puts no day after its date."""
    days = sorted(set(_month_and_days(values, time_format)))
    months, turn = {month for month, _ in days}, ""
    if months >= _WINTER and len(months) < 12:
        turn = "; they go over New Year, and one time_year is wrong for a part of them"
    named = _YEAR_IN_NAME.findall(str(file.name)) or _YEAR_IN_NAME.findall(file.parent.name)
    if named:
        why = "the file's name says so"
        return YearGuess(int(named[-1]), why, "NOT SURE" if turn else "likely", turn)
    written = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    year = written.year - (days[-1] > (written.month, written.day))
    why = "no value tells it; the newest that puts no day after the file's own date"
    return YearGuess(year, why, "NOT SURE", turn)


def _month_and_days(values: Sequence[str], time_format: str) -> Iterator[tuple[int, int]]:
    shape, second = (_MONTH_AND_DAY, 2) if time_format in _BARE else (_YEARLESS, 3)
    is_day_first = time_format.startswith("d")
    for found in filter(None, map(shape.fullmatch, values)):
        parts = int(found[1]), int(found[second])
        yield parts[::-1] if is_day_first else parts
