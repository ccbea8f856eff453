"""Which columns tell a time, and which of them the event's own."""

from collections.abc import Collection, Sequence

from secateur.scenario.drafting.columns import LogColumn
from secateur.scenario.drafting.guesses import Guess, Sureness
from secateur.scenario.drafting.times.time_spellings import (
    RECENT,
    SURE_UNITS,
    TimeFormat,
    tells_instant,
    time_format_of,
    unit_of,
)
from secateur.scenario.drafting.times.years import yearless_format_of
from secateur.scenario.time_formats import ISO

_OTHER_MOMENTS = {"start", "begin", "end", "stop", "first", "last", "prev", "next"} | {
    *("created", "create", "updated", "update", "publish", "published", "upload", "register"),
    *("registered", "signup", "birth", "joined", "since", "until", "expire", "expires"),
}


def time_of(column: LogColumn) -> TimeFormat | None:
    """How the column spells a time that names its year; None where it does not."""
    found = time_format_of(column.present, column.words)
    if found is None and column.numeric:
        return unit_of(column.present, [(unit, RECENT) for unit in SURE_UNITS])
    return found


def yearless_time_of(column: LogColumn) -> TimeFormat | None:
    """How it spells days without their year, such as 11-24 or 6/3 22:00; None where it does not."""
    return yearless_format_of(column.present, column.words)


def tells_time(column: LogColumn) -> bool:
    """Whether it tells any time: such a column is neither user nor item nor input."""
    return time_of(column) is not None or yearless_time_of(column) is not None


def guess_time(
    columns: Sequence[LogColumn], typed: Collection[str] = ()
) -> tuple[Guess | None, TimeFormat | None]:
    """The column of the event's time, and how it is spelled; None where no column tells it.

    `typed` are times by their type in Parquet, which says more than any format.

    Of several the finest is taken, and rather one that is not named like another moment; one
    that names no year only where there is no other.
    """
    found = [(spelled, c) for c in columns if (spelled := time_of(c))]
    found = found or [(spelled, c) for c in columns if (spelled := yearless_time_of(c))]
    if not found:
        return None, None
    spelled, column = min(found, key=lambda pair: (_is_other_moment(pair[1]), pair[0].rank))
    words = spelled.words
    if column.name in typed:
        words = "a time by its type, which is read so whatever time_format says"
        spelled = spelled._replace(format=ISO)
    others = [c.name for _, c in found if c is not column]
    also = f"; others that tell a time: {', '.join(others)}" if others else ""
    sure: Sureness = "likely" if others or spelled.share < 1 else "sure"
    return Guess(column.name, words + also, sure), spelled


def local_time(
    moments: LogColumn, spelled: TimeFormat, columns: Sequence[LogColumn]
) -> tuple[str, TimeFormat] | None:
    """The first other column of dates or local times, of a log whose times are instants."""
    if not tells_instant(spelled, moments.present):
        return None
    for column in columns:
        found = None if column is moments else time_of(column)
        if found and not tells_instant(found, column.present) and not _is_other_moment(column):
            return column.name, found
    return None


def _is_other_moment(column: LogColumn) -> bool:
    return bool(_OTHER_MOMENTS & set(column.words))
