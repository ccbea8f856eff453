"""Claims about the table for the terminal."""

from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from secateur.report.table import night_table


def shown(run: Path, width: int) -> list[str]:
    out = StringIO()
    Console(file=out, width=width).print(night_table(str(run), width))
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [160, 100])
def test_it_fits_the_terminal_and_cuts_no_figure(
    complete_night: Callable[..., Path], width: int
) -> None:
    lines = shown(complete_night(), width)
    text = "\n".join(lines)
    assert max(map(len, lines)) <= width
    assert "…" not in text
    for figure in ("0.7241", "−0.0049", "[−0.0088, −0.0010]", "118 kB", "25.0×", "1.29 ms"):  # noqa: RUF001
        assert figure in text.replace("\N{NO-BREAK SPACE}", " ")
    for outcome in ("accepted", "no saving", "crashed", "failed", "baseline"):
        assert outcome in text


def test_a_wide_terminal_shows_what_a_narrow_one_leaves_out(
    complete_night: Callable[..., Path],
) -> None:
    run = complete_night()
    assert "memory" in "\n".join(shown(run, 160))
    assert "memory" not in "\n".join(shown(run, 100))


def test_an_empty_run_gives_a_table_that_says_so(tmp_path: Path) -> None:
    assert "Nothing was sealed" in "\n".join(shown(tmp_path, 100))
