"""`secateur export`, and a service in Node that scores what it wrote."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from secateur import client
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import VERIFY_KEY, Signer, new_seed
from small_package import sealed
from source_tree import PROJECT

NODE = PROJECT / "infra" / "node_example"


@pytest.fixture
def uri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A store with one release, and the environment that reads it."""
    found, signer = (tmp_path / "store" / "short_video").as_uri(), Signer.of(new_seed())
    publisher = Publisher(
        Catalogue(*layout.open_scenario(found), signer.trust()), signer, lambda _: None
    )
    publish(publisher, "latest", *sealed(tmp_path, 1))
    monkeypatch.setenv(VERIFY_KEY, signer.public)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return found


def export(uri: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    files = [f"--onnx={folder / 'model.onnx'}", f"--golden={folder / 'golden.json'}"]
    assert client.main(["export", uri, *files]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_says_what_it_wrote(
    uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = export(uri, tmp_path, capsys)
    assert told["bytes"] == (tmp_path / "model.onnx").stat().st_size
    assert told["largest_difference"] <= 1e-6
    assert told["inputs"] == {"user_id": "uint64", "video_id": "string", "duration_ms": "float64"}
    golden = json.loads((tmp_path / "golden.json").read_text())
    assert golden["inputs"]["duration_ms"]["data"][1] is None
    assert len(golden["outputs"]["probability"]) == told["golden_rows"] == 4


def test_without_the_extra_it_names_it(uri: str, tmp_path: Path) -> None:
    python = PROJECT / ".venv-client" / "bin" / "python"
    if not python.exists():
        pytest.skip("no .venv-client")
    done = subprocess.run(
        [python, "-m", "secateur.client", "export", uri, "--onnx", str(tmp_path / "m.onnx")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "jobs")},
    )
    assert done.returncode == 64
    assert "this needs secateur[export]" in done.stderr


@pytest.mark.proof
def test_node_scores_the_golden_rows_as_the_client_does(
    uri: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With onnxruntime-node from npm's registry, and no code of ours."""
    if shutil.which("npm") is None:
        pytest.skip("no npm")
    told = export(uri, tmp_path, capsys)
    folder = tmp_path / "node"
    shutil.copytree(NODE, folder)
    environment = {**os.environ, "ONNXRUNTIME_NODE_INSTALL": "skip"}  # of GPU libraries
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent"]
    subprocess.run(install, cwd=folder, env=environment, check=True)
    files = [str(tmp_path / "model.onnx"), str(tmp_path / "golden.json")]
    done = subprocess.run(
        ["node", "score.mjs", *files], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["rows"] == told["golden_rows"]
    assert found["largest"] <= 1e-6
    wrong = json.loads((tmp_path / "golden.json").read_text())
    wrong["outputs"]["probability"][0] += 1e-3
    (tmp_path / "golden.json").write_text(json.dumps(wrong))
    assert subprocess.run(["node", "score.mjs", *files], cwd=folder, check=False).returncode == 1


@pytest.mark.proof
def test_node_hashes_users_as_cleaning_does(tmp_path: Path) -> None:
    from secateur.identity import hash_id

    code = "import { createHmac } from 'node:crypto';"
    source = (NODE / "score.mjs").read_text()
    start = source.index("export function keyedHash")
    function = source[start : source.index("}\n", start) + 2].removeprefix("export ")
    script = f"{code}{function}console.log(keyedHash('sixteen bytes or so', 712).toString(16))"
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().zfill(16) == hash_id(b"sixteen bytes or so", "712")


def test_a_directory_that_is_not_there_is_one_line(uri: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "secateur.client", "export", uri, "--onnx", "/nowhere/m.onnx"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(PROJECT / "jobs")},
    )
    assert done.returncode == 1
    assert len(done.stderr.strip().splitlines()) == 1
