"""Requests a second and latency of `secateur serve`, beside calling the library in one process.

`--folder` may name what `night` kept there; else packages are made anew. Requests of 256 candidates
come from `wrk`, which must be installed, over as many connections as a line says. Server, library
and `wrk` share the machine: a server has the cores that `wrk` leaves it.
"""

import argparse
import json
import re
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from bench.night.tune_requests import Requests, requests_of
from bench.night.verb_chain import run_to_packages
from bench.processes import PROJECT, service_environment
from bench.runner import Asked, Benchmark
from secateur import artifacts
from secateur.contracts.releases import ReleaseManifest
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish_files
from secateur.releases.signing import SIGNING_KEY, VERIFY_KEY, Signer, new_seed
from secateur.serving.scorer import Scorer, load

SCENARIO = "short_video"
CANDIDATES = 256
CONNECTIONS = (1, 8, 32)
_LUA = """
local bodies, i = {{}}, 0
for n = 0, {count} - 1 do
  local file = io.open("{folder}/" .. n .. ".body", "rb")
  bodies[n] = file:read("*a")
  file:close()
end
local sizes = {{{sizes}}}
request = function()
  i = (i + 1) % {count}
  local headers = {{["Content-Type"] = "application/octet-stream"}}
  if sizes[i + 1] > 0 then headers["Inference-Header-Content-Length"] = sizes[i + 1] end
  return wrk.format("POST", nil, headers, bodies[i])
end
"""

_DATATYPES = {int: "INT64", float: "FP64", str: "BYTES"}

Body = tuple[bytes, int]  # and how many of its bytes are JSON, 0 where all are


def add_flags(flags: argparse.ArgumentParser) -> None:
    """Which package is served, and how long each line is measured."""
    flags.add_argument("--candidate", default="hybrid_tiny")
    flags.add_argument("--seconds", type=float, default=8.0)


def figures(asked: Asked) -> Iterator[str]:
    """A line for the library, then one for each form and number of connections."""
    if shutil.which("wrk") is None:
        raise SystemExit("this needs wrk: apt-get install wrk")
    folder = asked.folder
    package = folder / "candidates" / asked.candidate / "package"
    if not package.exists():
        list(run_to_packages(SCENARIO, folder))
    requests = [*map(plain, requests_of(folder, CANDIDATES))]
    yield f"Scenario {SCENARIO}, candidate {asked.candidate}, {CANDIDATES} candidates a request,"
    yield "one thread that scores. *Share* is the requests a second beside the library's.\n"
    yield "| | connections | requests/s | share | p50 ms | p99 ms | errors |"
    yield "|---|--:|--:|--:|--:|--:|--:|"
    rate, p50, p99 = library_figures(load(package), requests, asked.seconds)
    yield f"| library | | {rate:,.0f} | 1.00 | {p50:.2f} | {p99:.2f} | |"
    forms = {"JSON": [as_json(one) for one in requests], "binary": [*map(as_binary, requests)]}
    with running_server(package, folder) as url:
        for form, bodies in forms.items():
            for connections in CONNECTIONS:
                found = wrk_figures(url, bodies, folder, connections, asked.seconds)
                yield f"| {form} | {connections} | " + line_of(found, rate)
    yield "\nErrors are answers of other codes than 2xx, and broken connections."


def library_figures(
    scorer: Scorer, requests: Requests, seconds: float
) -> tuple[float, float, float]:
    """Requests a second, and milliseconds at p50 and p99, of one call after another."""
    taken, end, place = [], time.perf_counter() + seconds, 0
    while (started := time.perf_counter()) < end:
        one = requests[place % len(requests)]
        scorer.score({name: v[0] if len(v) == 1 else v for name, v in one.items()}, hashed=True)
        taken.append(time.perf_counter() - started)
        place += 1
    p50, p99 = np.percentile(taken, (50, 99)) * 1000
    return len(taken) / sum(taken), float(p50), float(p99)


def as_json(columns: dict[str, Any]) -> Body:
    """A request as a caller in any language writes it."""
    inputs = [{**head_of(name, values), "data": values} for name, values in columns.items()]
    return json.dumps({"inputs": inputs, "parameters": {"hashed": True}}).encode(), 0


def as_binary(columns: dict[str, Any]) -> Body:
    """The same with binary tensors, and a binary answer."""
    inputs, tail = [], b""
    for name, values in columns.items():
        data = bytes_of(values)
        size = {"binary_data_size": len(data)}
        inputs.append({**head_of(name, values), "parameters": size})
        tail += data
    parameters = {"hashed": True, "binary_data_output": True}
    head = json.dumps({"inputs": inputs, "parameters": parameters}).encode()
    return head + tail, len(head)


def plain(columns: dict[str, Any]) -> dict[str, list[Any]]:
    """Columns as a caller in any language has them: floats, whole numbers, else texts."""
    return {name: plain_values(column) for name, column in columns.items()}


def plain_values(column: Any) -> list[Any]:  # noqa: ANN401
    """One value for a shared column; floats with NaN, whole numbers, or texts with an empty one."""
    values = [*column] if isinstance(column, list | np.ndarray) else [column]
    if all(value is None or isinstance(value, float) for value in values):
        return [float("nan") if value is None else value for value in values]
    texts = ["" if value is None else str(value) for value in values]
    is_whole = all(text.isdigit() and str(int(text)) == text for text in texts)
    return [*map(int, texts)] if is_whole else texts


def head_of(name: str, values: Sequence[Any]) -> dict[str, Any]:
    """Name, datatype and shape of a tensor."""
    return {"name": name, "datatype": _DATATYPES[type(values[0])], "shape": [len(values)]}


def bytes_of(values: Sequence[Any]) -> bytes:
    """A tensor's data in binary."""
    if isinstance(values[0], int | float):
        return np.array(values, np.int64 if isinstance(values[0], int) else np.float64).tobytes()
    texts = [text.encode() for text in values]
    return b"".join(struct.pack("<I", len(text)) + text for text in texts)


@contextmanager
def running_server(package: Path, folder: Path) -> Iterator[str]:
    """The URL of a server of the package, which is published for it."""
    signer = Signer.of(new_seed())
    keys = {SIGNING_KEY: "", VERIFY_KEY: signer.public}
    uri = (folder / "served" / SCENARIO).as_uri()
    shutil.rmtree(folder / "served", ignore_errors=True)
    publish_for_bench(uri, package, signer)
    command = [sys.executable, "-m", "secateur.client", "serve", uri, "--port=0"]
    command += [f"--cache={folder / 'served' / 'cache'}"]
    environment = service_environment(keys)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            line = process.stdout.readline() if process.stdout else ""
            yield line.partition(": ")[2].strip() + "/infer"
        finally:
            process.terminate()


def publish_for_bench(uri: str, package: Path, signer: Signer) -> None:
    """Make a package a release that no gate has seen."""
    from secateur.releases import layout
    from secateur.releases.catalogue import Catalogue

    made = artifacts.open_artifact(package.as_uri(), "Package")
    catalogue = Catalogue(*layout.open_scenario(uri), signer.trust())
    draft = ReleaseManifest(
        scenario=SCENARIO,
        number=0,
        package=made.digest,
        verdict=made.digest,
        recipe=package.parent.name,
        published_at="",
        files=made.manifest.files,
        dense_bytes=made.manifest.bytes,
    )
    publish_files(Publisher(catalogue, signer, lambda _: None), "latest", draft, made.folder)


def wrk_figures(
    url: str, bodies: Sequence[Body], folder: Path, connections: int, seconds: float
) -> dict[str, float]:
    """What wrk says: requests a second, milliseconds at p50 and p99, errors."""
    sent = folder / "wrk"
    shutil.rmtree(sent, ignore_errors=True)
    sent.mkdir()
    for place, (body, _) in enumerate(bodies):
        (sent / f"{place}.body").write_bytes(body)
    sizes = ", ".join(str(size) for _, size in bodies)
    script = sent / "post.lua"
    script.write_text(_LUA.format(count=len(bodies), folder=sent, sizes=sizes))
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s", "--latency", "-s", str(script)]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=True, cwd=PROJECT)
    said = done.stdout
    (rate,) = re.findall(r"Requests/sec:\s+([\d.]+)", said)
    bad = re.findall(r"Non-2xx or 3xx responses: (\d+)", said)
    broken = re.findall(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said
    )
    errors = sum(map(int, bad)) + sum(int(n) for found in broken for n in found)
    return {
        "rate": float(rate),
        "p50": _percentile(said, 50),
        "p99": _percentile(said, 99),
        "errors": errors,
    }


def _percentile(said: str, percent: int) -> float:
    """Milliseconds of a line such as `99%    3.42ms`."""
    (found,) = re.findall(rf"{percent}%\s+([\d.]+)(us|ms|s)", said)
    return float(found[0]) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[found[1]]


def line_of(found: dict[str, float], rate: float) -> str:
    """The rest of a line of the table."""
    share = found["rate"] / rate
    return (
        f"{found['rate']:,.0f} | {share:.2f} | {found['p50']:.2f} | {found['p99']:.2f} "
        f"| {found['errors']:.0f} |"
    )


BENCHMARK = Benchmark(
    title="Serving over HTTP",
    figures=figures,
    page=lambda _asked: "serving",
    add_flags=add_flags,
)
