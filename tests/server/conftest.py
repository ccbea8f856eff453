"""A real server on loopback, of a real release in a store, and plain HTTP to ask it."""

import http.client
import json
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import uvicorn

import secateur
from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MadeBy
from secateur.releases import layout
from secateur.releases.by_hand.rolling_back import roll_back
from secateur.releases.catalogue import Catalogue
from secateur.releases.following import FollowingScorer, Reader
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import Signer, new_seed
from secateur.server.application import InferenceServer, Limits
from secateur.server.serve_command import listen

STORED = Path(__file__).parents[1] / "packages"
JSON = {"content-type": "application/json"}


@dataclass
class Answer:
    """What came back."""

    code: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def scores(self, output: str = "probability") -> list[float]:
        (found,) = (one["data"] for one in self.json["outputs"] if one["name"] == output)
        return list(found)


@dataclass
class Served:
    """A server that runs, the model that it serves, and what was published to it."""

    port: int
    name: str
    following: FollowingScorer
    publish: Callable[[str], int]
    roll_back: Callable[[int], object] = lambda _: None

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            sent = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
            connection.request(method, path, sent, headers or JSON)
            response = connection.getresponse()
            found = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    def infer(self, *inputs: dict[str, Any], **more: Any) -> Answer:
        return self.ask("POST", f"/v2/models/{self.name}/infer", {"inputs": [*inputs], **more})


def tensor(name: str, datatype: str, data: list[Any], *shape: int) -> dict[str, Any]:
    """An input; its shape is that of a column where none is said."""
    return {"name": name, "datatype": datatype, "shape": [*(shape or (len(data),))], "data": data}


def sealed_copy(folder: Path, stored: str) -> tuple[Artifact, Artifact]:
    """A stored package, sealed, and the verdict that accepts it."""
    package, verdict = str(folder / stored / "package"), str(folder / stored / "verdict")
    by = MadeBy("test", "0")
    with artifacts.create(package, "Package") as draft:
        for path in (STORED / stored).iterdir():
            if path.name != "expected.json":
                shutil.copy(path, draft.folder / path.name)
        draft.seal(by, {}, {})
    made = artifacts.open_artifact(package, "Package")
    decision = Verdict(True, "good", stored, made.digest, "d" * 64, 10**6, 0.1, 0.1, None, ())
    with artifacts.create(verdict, "Verdict") as draft:
        draft.write("verdict.json", decision)
        draft.seal(by, {}, {})
    return made, artifacts.open_artifact(verdict, "Verdict")


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Publish a stored package in a folder and serve it, until the test is over."""
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(stored: str, limits: Limits | None = None, every_s: float = 0) -> Served:
        uri, seed = (tmp_path / "store" / "shop").as_uri(), new_seed()
        signer = Signer.of(seed)
        catalogue = Catalogue(*layout.open_scenario(uri), signer.trust())
        publisher = Publisher(catalogue, signer, lambda _: None)

        def put(name: str) -> int:
            return publish(publisher, "latest", *sealed_copy(tmp_path, name)).number

        put(stored)
        key = expected(stored)["id_key"].encode()
        reader = Reader(tmp_path / "cache", [signer.public], key)
        following = secateur.follow(uri, reader=reader, every_s=every_s)
        application = InferenceServer(following, "shop", limits or Limits()).application()
        listening = listen("127.0.0.1", 0)
        server = uvicorn.Server(uvicorn.Config(application, log_level="warning"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        running.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        back = partial(roll_back, publisher, "latest", reason="worse")
        return Served(listening.getsockname()[1], "shop", following, put, back)

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join()


def expected(stored: str) -> Any:
    """The raw values and scores of a stored package, in its own time."""
    return json.loads((STORED / stored / "expected.json").read_text())
