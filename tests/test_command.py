"""A full disk or a killed Java ends a verb with one line; other faults keep their traceback."""

import logging
import shutil
import sys
import tempfile
from collections.abc import Callable
from types import ModuleType

import pytest

from secateur import command

ARGUMENTS = {"scenario": "short_video", "set": [], "output": "nowhere"}
# As `shutil.copytree` tells it.
COPIED = shutil.Error(
    [("a", "b/x", "[Errno 28] No space left on device: 'b/x'"), ("c", "d", "[Errno 28] ...")]
)
OF_JAVA = RuntimeError("Job aborted.\njava.io.IOException: No space left on device\n\tat java...")


def that_raises(error: Exception) -> Callable[[command.Job], None]:
    def verb(job: command.Job) -> None:
        raise error

    return verb


@pytest.mark.parametrize(
    ("error", "place"),
    [
        (OSError(28, "No space left on device", "/runs/x"), ": /runs/x"),
        (COPIED, ": b/x"),
        (OF_JAVA, f": nowhere, or temporary files in {tempfile.gettempdir()}"),
    ],
)
def test_a_full_disk_is_told_in_one_line(
    error: Exception, place: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "secateur"):
        assert command._run(that_raises(error), "clean_events", ARGUMENTS) == 1
    said = caplog.messages[-1]
    assert said.startswith("clean_events failed after 0.")
    assert said.endswith(place)
    assert "\n" not in said


class Py4JNetworkError(Exception):
    """As py4j names it."""


@pytest.mark.parametrize(
    "error",
    [
        Py4JNetworkError("Answer from Java side is empty"),
        RuntimeError("[JAVA_GATEWAY_EXITED] Java gateway process exited before sending its port"),
        ConnectionRefusedError(111, "Connection refused"),
        ConnectionResetError(104, "Connection reset by peer"),
    ],
)
def test_a_java_that_was_killed_is_told_in_one_line(
    error: Exception, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "py4j", ModuleType("py4j"))
    with caplog.at_level(logging.ERROR, "secateur"):
        assert command._run(that_raises(error), "clean_events", ARGUMENTS) == 1
    assert caplog.messages[-1].endswith(command.JAVA_GONE)


def test_a_connection_of_others_is_no_java(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "py4j", raising=False)
    with pytest.raises(ConnectionRefusedError):
        command._run(that_raises(ConnectionRefusedError()), "publish_release", ARGUMENTS)


def test_other_faults_keep_their_traceback() -> None:
    with pytest.raises(RuntimeError, match="otherwise"):
        command._run(that_raises(RuntimeError("otherwise")), "clean_events", ARGUMENTS)
