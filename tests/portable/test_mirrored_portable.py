"""A mirror of a portable model is a model repository for runtimes that are not ours."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from secateur import client
from secateur.portable.check import Check
from secateur.portable.triton_config import triton_config
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, Signer, new_seed
from small_package import sealed


@pytest.fixture
def repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Path:
    """The folder of a mirror, as Triton is given it."""
    seed = new_seed()
    monkeypatch.setenv(SIGNING_KEY, seed)
    monkeypatch.setenv(VERIFY_KEY, Signer.of(seed).public)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    uri, signer = (tmp_path / "store" / "short_video").as_uri(), Signer.of(seed)
    catalogue = Catalogue(*layout.open_scenario(uri), signer.trust())
    publish(Publisher(catalogue, signer, lambda _: None), "latest", *sealed(tmp_path, 1))
    assert client.main(["export", uri, "--publish"]) == 0
    capsys.readouterr()
    mirrors = str(tmp_path / "mirrors")
    assert client.main(["mirror", f"{uri}_portable", "--json", f"--output={mirrors}"]) == 0
    told = json.loads(capsys.readouterr().out)
    return Path(told["uri"].removeprefix("file://"))


def test_the_model_lies_where_triton_looks_and_scores_as_its_golden_rows(repository: Path) -> None:
    found = {path.relative_to(repository).as_posix() for path in repository.rglob("*.*")}
    assert found == {
        *("manifest.json", "manifest.sig", "golden.json"),
        *("short_video/config.pbtxt", "short_video/1/model.onnx"),
    }
    assert [one.name for one in repository.iterdir() if one.is_dir()] == ["short_video"]
    golden = json.loads((repository / "golden.json").read_text())
    dtypes = {"string": object, "uint64": np.uint64, "float64": np.float64}
    inputs = {}
    for name, one in golden["inputs"].items():
        values = [int(v) for v in one["data"]] if one["type"] == "uint64" else one["data"]
        inputs[name] = np.array(values, dtypes[one["type"]]).reshape(one["dims"])
    session = onnxruntime.InferenceSession(str(repository / "short_video" / "1" / "model.onnx"))
    (scores,) = session.run(["probability"], inputs)
    np.testing.assert_allclose(scores, np.float32(golden["outputs"]["probability"]), atol=1e-6)


def blocks(config: str) -> dict[str, tuple[str, str, str]]:
    """Kind, datatype and dims of each tensor of a configuration, by its name."""
    line = r'^(input|output) \{ name: "(.+)" data_type: (\w+) dims: (\[.+\]) \}$'
    return {
        name: (kind, datatype, dims)
        for kind, name, datatype, dims in re.findall(line, config, re.MULTILINE)
    }


def test_its_configuration_names_every_tensor_and_no_batch(repository: Path) -> None:
    config = (repository / "short_video" / "config.pbtxt").read_text()
    assert config.startswith('backend: "onnxruntime"\nmax_batch_size: 0 ')
    session = onnxruntime.InferenceSession(str(repository / "short_video" / "1" / "model.onnx"))
    assert {one.name for one in session.get_inputs()} == {"user_id", "video_id", "duration_ms"}
    assert blocks(config) == {
        "user_id": ("input", "TYPE_UINT64", "[-1]"),
        "video_id": ("input", "TYPE_STRING", "[-1]"),
        "duration_ms": ("input", "TYPE_FP64", "[-1]"),
        "probability": ("output", "TYPE_FP32", "[-1]"),
    }


def test_lists_are_as_long_as_a_requests_longest_and_vectors_as_the_schema_says() -> None:
    inputs: dict[str, Any] = {
        'a "list"': np.full((4, 3), "", object),
        "a vector": np.zeros((4, 16), np.float32),
    }
    config = triton_config(Check(inputs, {"probability": np.zeros(4, np.float32)}, 0.0))
    assert 'name: "a \\"list\\"" data_type: TYPE_STRING dims: [-1, -1]' in config
    assert 'name: "a vector" data_type: TYPE_FP32 dims: [-1, 16]' in config


def test_a_person_verifies_it_and_our_server_says_what_it_is(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert client.main(["verify", str(repository)]) == 0
    assert "golden scores hold" in capsys.readouterr().out
    assert client.main(["serve", str(repository)]) == 64
    assert "serve a mirror of short_video, not of short_video_portable" in capsys.readouterr().err
    golden = repository / "golden.json"
    golden.write_text(golden.read_text().replace("0.", "0.9", 1))
    assert client.main(["verify", str(repository)]) == 1
