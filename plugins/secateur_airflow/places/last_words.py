"""What a verb's log tells: each line's level, and the error that it ended with."""

import logging
import re
from collections.abc import Iterable

# As `secateur.command` writes them: 03:12:45 E secateur: ...
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d ([A-Z]) ")
LEVELS = {"W": logging.WARNING, "E": logging.ERROR, "C": logging.CRITICAL}
ERROR_LINE = re.compile(r"\d\d:\d\d:\d\d [EC] ")
TRACEBACK = "Traceback (most recent call last):"
NOTHING = ("it said nothing",)


def level_of(line: str) -> int:
    """The level of a verb's log line; a line without one is information."""
    level = LOG_LINE.match(line)
    return LEVELS.get(level.group(1), logging.INFO) if level else logging.INFO


def last_error(so_far: list[str], line: str) -> list[str]:
    """The last error of a log, with the lines that belong to it, once `line` is read too.

    A process that logged no error is quoted by its last exception, else by its last line. What
    follows an exception, such as Java's frames, does not replace it. Blank lines tell nothing.
    """
    if not line.strip():
        return so_far
    if ERROR_LINE.match(line):
        return [line]
    if ERROR_LINE.match(so_far[0]):
        return so_far if LOG_LINE.match(line) else [*so_far, line]
    if so_far[0] != TRACEBACK or line == TRACEBACK:
        return [line]
    is_frame = line.startswith(" ") or len(so_far) > 1
    return so_far if is_frame else [*so_far, line]


def last_words(lines: Iterable[str]) -> str:
    """The last error of a whole log."""
    error = list(NOTHING)
    for line in lines:
        error = last_error(error, line)
    return "\n".join(error)
