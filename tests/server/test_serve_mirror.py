"""`secateur serve FOLDER`: a mirror that a platform has copied, served without its store."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from secateur import client
from source_tree import PROJECT

from .conftest import Served
from .test_limits import request
from .test_serve_command import COMMAND, running, uri

__all__ = ["uri"]


@pytest.fixture
def folder(uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """What KServe's storage initializer leaves at /mnt/models; the store is gone since."""
    assert client.main(["mirror", uri, "--output", str(tmp_path / "mirrors")]) == 0
    found = tmp_path / "mnt" / "models"
    shutil.copytree(capsys.readouterr().out.strip().removeprefix("file://"), found)
    for gone in ("store", "cache"):
        shutil.rmtree(tmp_path / gone)
    return found


def said(folder: Path, *flags: str) -> "subprocess.CompletedProcess[str]":
    command = [*COMMAND, str(folder), "--port=0", *flags]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_it_answers_as_the_store_would_under_the_name_of_the_service(
    folder: Path, tmp_path: Path
) -> None:
    with running(str(folder), "--name=short-video", name="short-video") as (_, port):
        served = Served(port, "short-video", None, lambda _: 0)  # type: ignore[arg-type]
        answer = served.infer(*request(3))
        assert (answer.code, len(answer.scores())) == (200, 3)
        assert answer.json["model_version"] == "1"
        assert served.ask("GET", "/v2/health/ready").code == 200
        metrics = served.ask("GET", "/metrics").body.decode()
        assert "secateur_release 1.0" in metrics
    assert not (tmp_path / "cache" / "secateur").exists(), "nothing was pulled"


def test_half_a_mirror_and_another_release_are_refused_in_one_line(folder: Path) -> None:
    with running(str(folder), name="shop"):
        pass
    for flags, code, words in (
        (("--manifest=abc",), 1, "not abc"),
        (("--snapshot",), 64, "is a mirror"),
        (("--name=a/b",), 64, "is no model's name"),
    ):
        done = said(folder, *flags)
        assert (done.returncode, done.stderr.count("\n")) == (code, 1), done.stderr
        assert words in done.stderr
    (folder / "model.onnx").unlink()
    done = said(folder)
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "is not whole: 1 files are missing, 'model.onnx'" in done.stderr


def test_a_store_has_no_manifest_to_pin(uri: str) -> None:
    done = subprocess.run(
        [*COMMAND, uri, "--manifest=abc"], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 64
    assert "--manifest is for a mirror" in done.stderr


def test_a_person_verifies_a_mirror_by_the_same_command(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.main(["verify", str(folder)]) == 0
    assert "golden scores hold" in capsys.readouterr().out
    assert client.main(["verify", str(folder), "--release", "99"]) == 1
    assert "not 99" in capsys.readouterr().err
    table = folder / "table.zst"
    table.write_bytes(table.read_bytes()[:-1] + b"?")
    assert client.main(["verify", str(folder)]) == 1
    assert "is damaged" in capsys.readouterr().err


def test_a_client_environment_mirrors_and_verifies(uri: str, tmp_path: Path) -> None:
    python = PROJECT / ".venv-client" / "bin" / "python"
    if not python.exists():
        pytest.skip("no .venv-client")
    ours = [python, "-m", "secateur.client"]
    environment = {**os.environ}
    made = subprocess.run(
        [*ours, "mirror", uri, "--output", str(tmp_path / "mirrors")],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    subprocess.run([*ours, "verify", made.stdout.strip()], check=True, env=environment)
