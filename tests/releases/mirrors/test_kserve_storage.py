"""KServe's own storage initializer copies a mirror, and its own models know our resources."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from secateur.contracts.errors import ReleaseError
from secateur.releases import signing
from secateur.releases.mirrors.read_mirror import open_mirror
from secateur.releases.mirrors.write_mirror import MirrorReceipt
from secateur.storage import open_store
from source_tree import PROJECT

from ..conftest import Shop

HERE = Path(__file__).parent
UV = [sys.executable, "-m", "uv"]

pytestmark = pytest.mark.proof


@pytest.fixture(scope="module")
def stock_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with KServe's libraries alone; they are no dependency of ours."""
    folder = tmp_path_factory.mktemp("kserve")
    python = str(folder / "bin" / "python")
    subprocess.run([*UV, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    install = [*UV, "pip", "install", "-q", "--python", python, "-r", HERE / "stock_kserve.txt"]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"kserve-storage cannot be installed here: {done.stderr.strip()[-300:]}")
    return python


@pytest.fixture
def copy(
    stock_python: str, object_store: dict[str, str], tmp_path: Path
) -> Callable[[str], "tuple[Path, subprocess.CompletedProcess[str]]"]:
    """Where the initializer has copied a storage URI to, and what it said."""
    # As KServe's controller makes them of a secret and its annotations.
    names = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    environment = {
        "PATH": os.environ["PATH"],
        "AWS_ENDPOINT_URL": object_store["AWS_ENDPOINT_URL_S3"],
        "AWS_DEFAULT_REGION": "us-east-1",
        **{name: object_store[name] for name in names},
    }

    def run(uri: str) -> "tuple[Path, subprocess.CompletedProcess[str]]":
        folder = tmp_path / "mnt" / "models"
        folder.mkdir(parents=True, exist_ok=True)
        command = [stock_python, HERE / "stock_kserve.py", "copy", uri, folder]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False, timeout=300
        )
        return folder, done

    return run


@pytest.mark.parametrize("root", ["s3"], indirect=True)
@pytest.mark.parametrize("slash", ["/", ""])
def test_the_stock_initializer_copies_a_mirror_that_verifies(
    shop: Shop, mirror: Callable[[str], MirrorReceipt], copy: Any, slash: str
) -> None:
    receipt = mirror("a")
    folder, done = copy(receipt.uri.rstrip("/") + slash)
    assert done.returncode == 0, done.stderr
    release = open_mirror(folder, signing.Trust.of(shop.keys), receipt.manifest_sha256)
    assert release.manifest.number == 1


@pytest.mark.parametrize("root", ["s3"], indirect=True)
def test_it_fails_where_nothing_lies_and_what_it_copies_of_half_a_mirror_is_refused(
    shop: Shop, mirror: Callable[[str], MirrorReceipt], copy: Any
) -> None:
    receipt = mirror("a")
    _, done = copy(receipt.uri.replace("1-", "2-"))
    assert done.returncode != 0
    assert "No model found" in done.stderr
    open_store(receipt.uri).delete("model.onnx")
    folder, done = copy(receipt.uri)
    assert done.returncode == 0, "it knows no manifest"
    with pytest.raises(ReleaseError, match=r"is not whole: 1 files are missing, 'model.onnx'"):
        open_mirror(folder, signing.Trust.of(shop.keys))


def test_our_resources_have_no_key_that_kserve_does_not_know(stock_python: str) -> None:
    folder = PROJECT / "infra" / "kserve"
    objects = {
        "V1alpha1ServingRuntime": yaml.safe_load((folder / "serving_runtime.yaml").read_text()),
        "V1beta1InferenceService": yaml.safe_load((folder / "inference_service.yaml").read_text()),
    }
    objects["V1alpha1ServingRuntime"]["spec"]["nonsense"] = 1
    done = subprocess.run(
        [stock_python, HERE / "stock_kserve.py", "unknown"],
        input=json.dumps(objects),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {
        "V1alpha1ServingRuntime": ["V1alpha1ServingRuntime.spec.nonsense"],
        "V1beta1InferenceService": [],
    }
