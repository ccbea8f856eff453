"""KServe's resources ask for what the image `serve` takes, and its server answers them."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
import yaml

from secateur import client
from secateur.identity import ID_KEY
from secateur.releases import layout
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, Signer, new_seed
from small_package import KEY, sealed
from source_tree import PROJECT

FOLDER = PROJECT / "infra" / "kserve"
NAME = "short-video"


def resources(name: str) -> list[Any]:
    return [*yaml.safe_load_all((FOLDER / f"{name}.yaml").read_text())]


@pytest.fixture
def container() -> Any:
    """The container of our runtime, which KServe knows by its name."""
    (runtime,) = resources("serving_runtime")
    (found,) = runtime["spec"]["containers"]
    assert found["name"] == "kserve-container"
    return found


@pytest.fixture
def service() -> Any:
    (found,) = resources("inference_service")
    return found


def entrypoint() -> list[str]:
    """What the image `serve` runs, before a container's own arguments."""
    text = (PROJECT / "infra" / "images" / "Containerfile").read_text()
    (found,) = re.findall(r"^ENTRYPOINT (\[.*\])$", text.partition(" AS serve\n")[2], re.MULTILINE)
    return list(json.loads(found))


def test_runtime_service_and_secrets_name_each_other(container: Any, service: Any) -> None:
    (runtime,) = resources("serving_runtime")
    predictor = service["spec"]["predictor"]
    model = predictor["model"]
    assert model["runtime"] == runtime["metadata"]["name"]
    formats = [one["name"] for one in runtime["spec"]["supportedModelFormats"]]
    assert formats == [model["modelFormat"]["name"]]
    assert model["protocolVersion"] in runtime["spec"]["protocolVersions"]
    assert service["metadata"]["name"] == NAME
    mirrors, account, keys = resources("service_secrets")
    assert account["metadata"]["name"] == predictor["serviceAccountName"]
    assert account["secrets"] == [{"name": mirrors["metadata"]["name"]}]
    wanted = [one["valueFrom"]["secretKeyRef"] for one in container["env"]]
    assert {one["name"] for one in wanted} == {keys["metadata"]["name"]}
    assert [one["key"] for one in wanted] == [one["name"] for one in container["env"]]
    assert {one["key"] for one in wanted} == set(keys["stringData"]) == {VERIFY_KEY, ID_KEY}
    assert SIGNING_KEY not in (FOLDER / "service_secrets.yaml").read_text()


def test_the_service_pins_the_manifest_that_its_storage_uri_names(service: Any) -> None:
    model = service["spec"]["predictor"]["model"]
    match = re.fullmatch(r"s3://\S+/[1-9]\d*-([0-9a-f]{12})/", model["storageUri"])
    assert match, "as `secateur mirror` prints it"
    assert model["args"] == [f"--manifest={match[1]}"]


@pytest.fixture
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Path:
    """A mirror where KServe's initializer leaves it, and the environment that its secret gives."""
    uri, signer = (tmp_path / "store" / "short_video").as_uri(), Signer.of(new_seed())
    catalogue = Catalogue(*layout.open_scenario(uri), signer.trust())
    publish(Publisher(catalogue, signer, lambda _: None), "latest", *sealed(tmp_path, 1))
    monkeypatch.setenv(VERIFY_KEY, signer.public)
    monkeypatch.setenv(ID_KEY, KEY)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert client.main(["mirror", uri, "--output", str(tmp_path / "mirrors")]) == 0
    folder = tmp_path / "mnt" / "models"
    shutil.copytree(capsys.readouterr().out.strip().removeprefix("file://"), folder)
    shutil.rmtree(tmp_path / "store")
    # As where the root of the container cannot be written.
    for variable in ("XDG_CACHE_HOME", "HOME", "TMPDIR"):
        monkeypatch.setenv(variable, "/dev/null/nowhere")
    monkeypatch.setenv("PYTHONPATH", str(PROJECT / "jobs"))
    return folder


@contextmanager
def pod(arguments: list[str], models: Path) -> Iterator[str]:
    """The container's process, and the address that it says; its port is a free one."""
    program, *first = entrypoint()
    assert program == "python"
    given = [
        argument.replace("/mnt/models", str(models)).replace("{{.Name}}", NAME)
        for argument in arguments
    ]
    here = ["--host=127.0.0.1", "--port=0"]  # of two the last one counts
    command = [sys.executable, *first, *given, *here]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            match = re.search(r"http://127\.0\.0\.1:\d+", line)
            assert match, line
            yield match[0]
        finally:
            process.kill()


def test_the_container_serves_under_the_services_name(
    container: Any, service: Any, models: Path
) -> None:
    (digest,) = {path.name.split("-")[1] for path in (models.parents[1] / "mirrors").iterdir()}
    pinned = [f"--manifest={digest}" for _ in service["spec"]["predictor"]["model"]["args"]]
    with pod([*container["args"], *pinned], models) as address:
        for probe in ("readinessProbe", "livenessProbe"):
            with urlopen(address + container[probe]["httpGet"]["path"]) as answer:  # noqa: S310
                assert answer.status == 200
        inputs = [
            {"name": "user_id", "datatype": "BYTES", "shape": [1], "data": ["7"]},
            {"name": "video_id", "datatype": "INT64", "shape": [2], "data": [3, 5]},
            {"name": "duration_ms", "datatype": "FP64", "shape": [2], "data": [12000, None]},
        ]
        body = json.dumps({"inputs": inputs}).encode()
        url = f"{address}/v2/models/{NAME}/infer"
        with urlopen(Request(url, body)) as answer:  # noqa: S310
            told = json.load(answer)
    assert (told["model_name"], told["outputs"][0]["shape"]) == (NAME, [2])


def test_the_ports_are_one(container: Any) -> None:
    (runtime,) = resources("serving_runtime")
    (port,) = {one["containerPort"] for one in container["ports"]}
    exposed = re.findall(
        r"^EXPOSE (\d+)$", (PROJECT / "infra/images/Containerfile").read_text(), re.M
    )
    assert [str(port)] == exposed
    assert f"--port={port}" in container["args"]
    assert {container[p]["httpGet"]["port"] for p in ("readinessProbe", "livenessProbe")} == {port}
    assert runtime["spec"]["annotations"]["prometheus.kserve.io/port"] == str(port)
