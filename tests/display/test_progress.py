"""Bars are for people at a terminal: a script, a log and `--json` get none."""

import fcntl
import os
import pty
import re
import struct
import termios
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from secateur import client
from secateur.display import progress
from secateur.display.progress import advance_progress, bars_on_terminal, progress_of
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import Signer, new_seed
from small_package import KEY, ROWS, sealed


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], str]]:
    """Let standard error be a terminal; what it was shown so far, all at once and without delay."""
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
    monkeypatch.setattr(progress, "DELAY_S", 0)
    monkeypatch.setattr(progress, "EVERY_S", 0)
    with os.fdopen(theirs, "w") as screen:
        # Not `sys` itself: pytest gives that an own one at the start of a test.
        monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=screen))

        def shown() -> str:
            screen.flush()
            parts = []
            while True:
                try:
                    parts.append(os.read(ours, 65536))
                except BlockingIOError:
                    return b"".join(parts).decode()

        yield shown
    os.close(ours)


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with a release, and the environment of who reads and writes it."""
    seed = new_seed()
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", Signer.of(seed).public)
    monkeypatch.setenv("SECATEUR_SIGNING_KEY", seed)
    monkeypatch.setenv("SECATEUR_ID_KEY", KEY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = (tmp_path / "root" / "short_video").as_uri()
    publish(Publisher.at(found, lambda _: None), "latest", *sealed(tmp_path, 1))
    return found


def last_line(shown: str) -> str:
    """What is left on the screen's last line once all is done."""
    return shown.rpartition("\r")[2]


def test_a_pull_shows_its_bytes_and_leaves_nothing(
    uri: str, terminal: Callable[[], str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.main(["pull", uri]) == 0
    shown = terminal()
    assert re.search(r"copying short_video 1: +100%\|.*[\d.]+k/[\d.]+k", shown), shown
    assert last_line(shown).strip() == ""
    assert len(capsys.readouterr().out.splitlines()) == 1, "standard output is the folder alone"
    assert client.main(["pull", uri]) == 0
    assert "verifying short_video 1: 100%" in terminal(), "what is held is not copied again"


def test_json_and_pipes_get_no_bar(
    uri: str, terminal: Callable[[], str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert client.main(["pull", uri, "--json"]) == 0
    assert terminal() == ""
    piped = tmp_path / "stderr"
    with piped.open("w") as file:
        monkeypatch.setattr(progress, "sys", SimpleNamespace(stderr=file))
        assert client.main(["verify", uri]) == 0
    assert piped.read_text() == ""
    assert terminal() == ""


def test_every_long_command_shows_how_far_it_is(
    uri: str, terminal: Callable[[], str], tmp_path: Path
) -> None:
    def shown(*arguments: str) -> str:
        assert client.main([*arguments]) == 0
        return terminal()

    assert "mirroring release 1: 100%" in shown("mirror", uri, f"--output={tmp_path / 'm'}")
    (mirror,) = (tmp_path / "m").iterdir()
    assert "verifying release 1: 100%" in shown("verify", str(mirror))
    assert "copying short_video 1: 100%" in shown("verify", uri)
    assert re.search(r"reading releases: 100%.* 1/1 ", shown("releases", uri))
    rows = tmp_path / "rows.csv"
    lines = [",".join(ROWS), *(",".join(row) for row in zip(*ROWS.values(), strict=True))]
    rows.write_text("\n".join(lines) + "\n")
    scored = shown("score", uri, str(rows), f"--output={tmp_path / 'scores'}")
    assert f"scoring: {len(lines) - 1} rows" in scored, scored


def test_publishing_shows_its_bytes_wherever_bars_are_asked_for(
    uri: str, terminal: Callable[[], str], tmp_path: Path
) -> None:
    publisher = Publisher.at(uri, lambda _: None)
    publish(publisher, "latest", *sealed(tmp_path, 2))
    assert terminal() == "", "a library says nothing"
    with bars_on_terminal():
        publish(publisher, "latest", *sealed(tmp_path, 3))
    assert re.search(r"publishing package3: +100%\|", terminal())
    assert "deleting: 100%" in _swept(uri, terminal)


def _swept(uri: str, terminal: Callable[[], str]) -> str:
    flags = ["--keep", "1", "--grace-hours", "-1", "--delete"]
    assert client.main(["sweep", uri, *flags]) == 0
    return terminal()


def test_the_inner_of_two_is_advanced_and_then_the_outer_again(
    terminal: Callable[[], str],
) -> None:
    with bars_on_terminal():
        with progress_of("outer", 4, "parts"):
            advance_progress(1)
            with progress_of("inner", 2, "parts"):
                advance_progress(2)
            advance_progress(3)
        advance_progress(99)  # of nothing
    shown = terminal()
    assert re.search(r"inner: 100%.* 2/2 ", shown)
    assert re.search(r"outer: 100%.* 4/4 ", shown)
