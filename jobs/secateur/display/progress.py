"""How far long work is: told to whoever wants to show it, and to nobody else.

    with progress_of("copying release 12", total_bytes):
        ...
        advance_progress(len(part))

A library stays silent. The command `secateur` and the verbs show a bar on a terminal, which is gone
when the work is done (`bars_on_terminal`); a script, a log and `--json` get nothing.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar

Advance = Callable[[int], object]
Display = Callable[[str, int | None, str], AbstractContextManager[Advance]]

DELAY_S, EVERY_S = 0.5, 0.1  # what is done sooner needs no bar; a bar is drawn so often


def _show_nothing(_what: str, _total: int | None, _unit: str) -> AbstractContextManager[Advance]:
    return nullcontext(lambda _count: None)


_display: ContextVar[Display] = ContextVar("display", default=_show_nothing)
_advance: ContextVar[Advance] = ContextVar("advance", default=lambda _count: None)


@contextmanager
def progress_of(what: str, total: int | None, unit: str = "B") -> Iterator[None]:
    """Work of `total` bytes, or other units, begins here and ends with the block.

    Within another's block the inner one is shown, and the outer one goes on afterwards.
    """
    with _display.get()(what, total, unit) as show:
        token = _advance.set(show)
        try:
            yield
        finally:
            _advance.reset(token)


def advance_progress(count: int) -> None:
    """So many units more of the innermost work are done; without any, nothing happens."""
    _advance.get()(count)


@contextmanager
def bars_on_terminal() -> Iterator[None]:
    """Show all work of this block by bars, where standard error is a terminal."""
    token = _display.set(_bar if sys.stderr.isatty() else _show_nothing)
    try:
        yield
    finally:
        _display.reset(token)


@contextmanager
def _bar(what: str, total: int | None, unit: str) -> Iterator[Advance]:
    """A bar on standard error with rate and time left, gone at the end."""
    from tqdm import tqdm
    from tqdm.contrib.logging import logging_redirect_tqdm

    in_bytes = unit == "B"
    with logging_redirect_tqdm(), tqdm(
        file=sys.stderr, desc=what, total=total, unit=unit if in_bytes else f" {unit}",
        unit_scale=in_bytes, delay=DELAY_S, mininterval=EVERY_S, miniters=1, leave=False,
        dynamic_ncols=True,
    ) as bar:  # fmt: skip
        yield bar.update
