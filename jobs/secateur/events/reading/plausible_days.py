"""Up to which day a log goes, where no run says so: a stray later day moves no window."""

from collections.abc import Mapping, Sequence
from datetime import date
from statistics import median
from typing import get_args

from secateur.local_days import days_up_to
from secateur.scenario import Logs
from secateur.scenario.sections.logs import Weekday
from secateur.scenario.sections.validation import LEAST_SHARE

_WEEKDAYS = get_args(Weekday)  # from Monday on
_WEEK = len(_WEEKDAYS)


def newest_plausible_day(sizes: Mapping[str, int], logs: Logs) -> str:
    """The last day of the log, of its days' `sizes`: their rows, or the bytes of their files.

    A day with less than `LEAST_SHARE` of the median day's size is stray. So are days behind a gap
    that is as long as a window, where those before it are more. The median is over the fullest
    window, the `window_days` days that hold most: stray days could move that of all days.
    """
    fullest = max(sorted(sizes), key=lambda day: sum(_sizes_up_to(day, sizes, logs)))
    least = LEAST_SHARE * median(_sizes_up_to(fullest, sizes, logs))
    parts = _parts_between_gaps([day for day in sorted(sizes) if sizes[day] >= least], logs)
    return max(parts, key=lambda days: (min(len(days), logs.window_days), days[-1]))[-1]


def last_open_day(day: str, logs: Logs) -> str:
    """The day itself, or the last one before it on which events are expected."""
    return next((one for one in reversed(days_up_to(day, _WEEK)) if is_open(one, logs)), day)


def is_open(day: str, logs: Logs) -> bool:
    """Whether events are expected on the day."""
    return _WEEKDAYS[date.fromisoformat(day).weekday()] not in logs.closed


def _sizes_up_to(last: str, sizes: Mapping[str, int], logs: Logs) -> list[int]:
    """The sizes of the days present in the window that ends with `last`."""
    return [sizes[day] for day in days_up_to(last, logs.window_days) if day in sizes]


def _parts_between_gaps(days: Sequence[str], logs: Logs) -> list[list[str]]:
    """The sorted days, cut wherever as many open days as a window has lie between two."""
    parts = [[days[0]]]
    for day in days[1:]:
        apart = (date.fromisoformat(day) - date.fromisoformat(parts[-1][-1])).days
        # A year's gap need not be counted to its end: of a week, one day at least is open.
        between = days_up_to(day, min(apart, (logs.window_days + 1) * _WEEK))[:-1]
        if sum(is_open(one, logs) for one in between) >= logs.window_days:
            parts.append([])
        parts[-1].append(day)
    return parts
