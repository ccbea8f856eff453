"""A Kubernetes API on loopback that plays pods: what Airflow asks for is run as processes here.

Each pod that is posted must be one that the Kubernetes client's own models know, key by key. Its
base container runs with exactly the variables that its spec and the cluster's secrets give it;
paths of the image stand for those of a folder. The sidecar that holds the answer answers by
`exec`, over a web socket, as the real one does.
"""

import asyncio
import json
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from aiohttp import web
from kubernetes.client import ApiClient, V1Pod

BASE, SIDECAR = "base", "airflow-xcom-sidecar"
STDOUT, STATUS = b"\x01", b"\x03"


def known(body: dict[str, Any]) -> V1Pod:
    """The body as the client's own model, which must know every key of it."""
    client = ApiClient()
    pod = client.deserialize(SimpleNamespace(data=json.dumps(body)), "V1Pod")
    assert client.sanitize_for_serialization(pod) == body
    return pod


@dataclass
class PlayedPod:
    """One pod: its body, the process of its base container, and its sidecar."""

    body: dict[str, Any]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    unstartable: str = ""
    has_sidecar: bool = True
    evicted: str = ""

    @property
    def log(self) -> bytes:
        return (self.folder / "log").read_bytes() if (self.folder / "log").exists() else b""

    @property
    def verb(self) -> str:
        return Path(self.body["spec"]["containers"][0]["command"][1]).stem

    @property
    def limits(self) -> dict[str, str]:
        return dict(self.body["spec"]["containers"][0]["resources"]["limits"])

    def start(self, image: Mapping[str, str], secrets: Mapping[str, Mapping[str, str]]) -> None:
        """Run the base container, unless a secret that it names is not there."""
        container = self.body["spec"]["containers"][0]
        try:
            self.environment |= variables(container, secrets)
        except KeyError as missing:
            self.unstartable = f"secret {missing} not found"
            return

        def here(text: str) -> str:
            for there, path in {**image, "/airflow/xcom": str(self.folder)}.items():
                text = text.replace(there, path)
            return text

        command = [here(word) for word in container["command"] + container.get("args", [])]
        assert command[0] == "python"
        self.process = subprocess.Popen(
            [sys.executable, *command[1:]],
            env={name: here(value) for name, value in self.environment.items()},
            stdout=(self.folder / "log").open("wb"),
            stderr=subprocess.STDOUT,
        )

    def read(self) -> dict[str, Any]:
        """The pod with its status, as the API server answers."""
        return {**self.body, "status": self.status()}

    def status(self) -> dict[str, Any]:
        if self.evicted:
            gone = {"terminated": {"exitCode": 137, "reason": "ContainerStatusUnknown"}}
            states = [status_of(name, gone) for name in (BASE, SIDECAR)]
            why = {"reason": "Evicted", "message": self.evicted}
            return {"phase": "Failed", **why, "containerStatuses": states}
        if self.unstartable or not self.process:
            waits = {"reason": "CreateContainerConfigError", "message": self.unstartable}
            state = [status_of(BASE, {"waiting": waits})]
            return {"phase": "Pending", "containerStatuses": state}
        code = self.process.poll()
        sidecar = {"running": {}} if self.has_sidecar else {"terminated": {"exitCode": 0}}
        states = [status_of(BASE, self.state(code)), status_of(SIDECAR, sidecar)]
        over = code is not None and not self.has_sidecar
        phase = ("Failed" if code else "Succeeded") if over else "Running"
        return {"phase": phase, "containerStatuses": states}

    def state(self, code: int | None) -> dict[str, Any]:
        """The base container's state; of one that failed the end of its log is kept."""
        if code is None:
            return {"running": {"startedAt": "2026-01-01T00:00:00Z"}}
        ended: dict[str, Any] = {"exitCode": 128 - code if code < 0 else code}
        ended["finishedAt"] = datetime.now(UTC).isoformat()
        if code:
            ended["message"] = self.log[-2048:].decode()
        return {"terminated": ended}


def status_of(name: str, state: dict[str, Any]) -> dict[str, Any]:
    return {
        **{"name": name, "image": "i", "imageID": "i", "restartCount": 0},
        **{"ready": "running" in state, "state": state},
    }


def variables(
    container: dict[str, Any], secrets: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """What the container's `env` and `envFrom` come to. Raises KeyError."""
    found: dict[str, str] = {}
    for source in container.get("envFrom", []):
        found |= secrets[source["secretRef"]["name"]]
    for one in container.get("env", []):
        if "valueFrom" in one:
            reference = one["valueFrom"]["secretKeyRef"]
            found[one["name"]] = secrets[reference["name"]][reference["key"]]
        else:
            found[one["name"]] = one.get("value", "")
    return found


@dataclass
class LoopbackCluster:
    """The API server.

    `image` maps paths of the image to paths here; `environment` is what the image sets.
    """

    folder: Path
    image: Mapping[str, str]
    secrets: dict[str, dict[str, str]]
    environment: Mapping[str, str] = field(default_factory=dict)
    pods: dict[str, PlayedPod] = field(default_factory=dict)
    ever: list[PlayedPod] = field(default_factory=list)
    port: int = 0

    def connection(self) -> str:
        """The Airflow connection that reaches it, as JSON."""
        server = {"cluster": {"server": f"http://127.0.0.1:{self.port}"}, "name": "c"}
        context = {"context": {"cluster": "c", "user": "u"}, "name": "x"}
        kinds = {"clusters": [server], "contexts": [context], "users": [{"name": "u", "user": {}}]}
        config = {"apiVersion": "v1", "kind": "Config", "current-context": "x", **kinds}
        return json.dumps({"conn_type": "kubernetes", "extra": {"kube_config": json.dumps(config)}})

    def __enter__(self) -> "LoopbackCluster":
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._serve, args=(ready,), daemon=True).start()
        assert ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        for pod in self.ever:
            if pod.process and pod.process.poll() is None:
                pod.process.kill()

    def _serve(self, ready: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        pods = "/api/v1/namespaces/{namespace}/pods"
        pod = f"{pods}/{{name}}"
        app = web.Application()
        app.add_routes(
            [
                web.post(pods, self.create),
                web.get(pods, self.list),
                web.get(pod, self.get),
                web.patch(pod, self.patch),
                web.delete(pod, self.delete),
                web.get(f"{pod}/log", self.follow),
                web.get(f"{pod}/exec", self.exec),
                web.get("/api/v1/namespaces/{namespace}/events", self.events),
            ]
        )
        runner = self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        ready.set()
        self._loop.run_forever()

    async def create(self, request: web.Request) -> web.Response:
        body = await request.json()
        known(body)
        folder = self.folder / body["metadata"]["name"]
        folder.mkdir()
        pod = PlayedPod(body, folder, dict(self.environment))
        pod.start(self.image, self.secrets)
        self.pods[body["metadata"]["name"]] = pod
        self.ever.append(pod)
        return web.json_response(pod.read(), status=201)

    def found(self, request: web.Request) -> PlayedPod:
        pod = self.pods.get(request.match_info["name"])
        if pod is None:
            raise web.HTTPNotFound
        return pod

    async def list(self, request: web.Request) -> web.Response:
        """The pods whose labels are as the selector says: `a=b`, `a!=b` and `!a`."""
        asked = request.query.get("labelSelector", "").split(",")
        chosen = [p.read() for p in self.pods.values() if selects(asked, p.body["metadata"])]
        return web.json_response({"kind": "PodList", "apiVersion": "v1", "items": chosen})

    async def get(self, request: web.Request) -> web.Response:
        return web.json_response(self.found(request).read())

    async def patch(self, request: web.Request) -> web.Response:
        pod = self.found(request)
        change = json.loads(await request.text())
        pod.body["metadata"]["labels"] |= change["metadata"]["labels"]
        return web.json_response(pod.read())

    async def delete(self, request: web.Request) -> web.Response:
        pod = self.found(request)
        del self.pods[request.match_info["name"]]
        if pod.process and pod.process.poll() is None:
            pod.process.terminate()
        return web.json_response(pod.read())

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """The log from its beginning to the process's end, each line with its time."""
        pod = self.found(request)
        response = web.StreamResponse()
        await response.prepare(request)
        sent = b""
        while True:
            ended = not pod.process or pod.process.poll() is not None
            lines = pod.log[len(sent) :].splitlines(keepends=True)
            for line in lines:
                if line.endswith(b"\n") or ended:
                    sent += line
                    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
                    await response.write(now.encode() + b" " + line.rstrip(b"\n") + b"\n")
            if ended:
                break
            await asyncio.sleep(0.05)
        await response.write_eof()
        return response

    async def exec(self, request: web.Request) -> web.WebSocketResponse:
        """Run a shell's command in the sidecar; to end its shell is to end the sidecar."""
        pod = self.found(request)
        assert request.query["container"] == SIDECAR
        socket = web.WebSocketResponse(protocols=("v4.channel.k8s.io",))
        await socket.prepare(request)
        command = request.query.getall("command")
        if command[1:2] == ["-c"]:
            text = command[2].replace("/airflow/xcom", str(pod.folder))
            done = subprocess.run(["/bin/sh", "-c", text], capture_output=True, check=True)
            await socket.send_bytes(STDOUT + done.stdout)
        else:
            message = await socket.receive()
            assert "kill -2" in message.data
            pod.has_sidecar = False
        await socket.send_bytes(STATUS + b'{"status": "Success"}')
        await socket.close()
        return socket

    async def events(self, _request: web.Request) -> web.Response:
        return web.json_response({"kind": "EventList", "apiVersion": "v1", "items": []})


def selects(asked: list[str], metadata: dict[str, Any]) -> bool:
    labels = metadata["labels"]
    for one in filter(None, asked):
        name, _, value = one.partition("=")
        if name.startswith("!"):
            holds = name[1:] not in labels
        elif name.endswith("!"):
            holds = labels.get(name[:-1]) != value
        else:
            holds = labels.get(name) == value
        if not holds:
            return False
    return True
