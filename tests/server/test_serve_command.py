"""`secateur serve` as a process: from its first line to its end, and what it says if it cannot."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import VERIFY_KEY, Signer, new_seed
from source_tree import PROJECT

from .conftest import Served, expected, sealed_copy
from .test_limits import PATH, request

COMMAND = (sys.executable, "-m", "secateur.client", "serve")


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with one release, and the environment of a service that reads it."""
    found, signer = (tmp_path / "store" / "shop").as_uri(), Signer.of(new_seed())
    catalogue = Catalogue(*layout.open_scenario(found), signer.trust())
    publisher = Publisher(catalogue, signer, lambda _: None)
    publish(publisher, "latest", *sealed_copy(tmp_path, "1-float"))
    environment = {
        VERIFY_KEY: signer.public,
        "SECATEUR_ID_KEY": expected("1-float")["id_key"],
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "PYTHONPATH": str(PROJECT / "jobs"),
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return found


@contextmanager
def running(
    uri: str, *flags: str, name: str = "shop"
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """The process and its port, once it has said that it listens."""
    command = [*COMMAND, uri, "--port=0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            told = rf"{name}, release 1: http://127.0.0.1:(\d+)/v2/models/{name}\n"
            match = re.fullmatch(told, line)
            assert match, line
            yield process, int(match[1])
        finally:
            process.kill()


def test_it_serves_until_it_is_asked_to_end(uri: str) -> None:
    with running(uri) as (process, port):
        served = Served(port, "shop", None, lambda _: 0)  # type: ignore[arg-type]
        assert served.infer(*request(3)).code == 200
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == -signal.SIGTERM


def test_a_request_that_has_begun_is_answered_before_the_end(uri: str) -> None:
    with running(uri) as (process, port):
        head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            connection.sendall(head + b"{")
            Served(port, "shop", None, lambda _: 0).ask("GET", "/v2")  # type: ignore[arg-type]
            process.send_signal(signal.SIGTERM)
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(0.5)
            connection.sendall(b" }")
            assert b" 400 " in connection.recv(4096).split(b"\r\n")[0]
        assert process.wait(20) == -signal.SIGTERM


@pytest.mark.parametrize(
    ("flags", "code", "says"),
    [
        (("--port=99999",), 64, "99999 is no port"),
        (("--rows=0",), 64, "0 is no count"),
        (("--channel=beta",), 1, "beta"),
    ],
)
def test_what_it_cannot_do_it_says_in_one_line(
    uri: str, flags: tuple[str, ...], code: int, says: str
) -> None:
    done = subprocess.run(
        [*COMMAND, uri, *flags], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == code
    (line,) = done.stderr.strip().splitlines()
    assert says in line


def test_another_id_key_is_refused_before_the_first_request(
    uri: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECATEUR_ID_KEY", "another key of sixteen bytes")
    done = subprocess.run(
        [*COMMAND, uri, "--port=0"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 64
    assert "the model was trained with" in done.stderr
    with running(uri, "--hashed") as (_, port):
        served = Served(port, "shop", None, lambda _: 0)  # type: ignore[arg-type]
        assert served.infer(*request(3)).code == 400, "it does not hash by another key"


def test_a_port_that_is_taken_is_said(uri: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [*COMMAND, uri, f"--port={port}"], capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert "Address already in use" in done.stderr


def test_without_the_extra_it_names_it(uri: str) -> None:
    """The environment of a service that only calls the library has no HTTP server in it."""
    python = PROJECT / ".venv-client" / "bin" / "python"
    if not python.exists():
        pytest.skip("no .venv-client")
    done = subprocess.run(
        [python, "-m", "secateur.client", "serve", uri],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ},
    )
    assert done.returncode == 64
    assert "this needs secateur[serve]" in done.stderr
