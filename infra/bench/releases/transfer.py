"""Publishing and pulling beside boto3's own transfer of the same bytes, through a real S3 server.

Everything in turns on one machine, which runs the server (SeaweedFS) too. A publish sends a package
and then reads it back, by its canary, so it stands beside an upload and a download; both publish
and pull hash every byte. Bytes are random: nothing shrinks on the way.
"""

import argparse
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from bench.runner import Asked, Benchmark
from local_site.object_store import BUCKET, LocalStore
from secateur import artifacts
from secateur.contracts.manifest import MadeBy
from secateur.contracts.releases import ReleaseManifest
from secateur.releases.catalogue import Catalogue
from secateur.releases.layout import open_scenario
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish_files
from secateur.releases.pulling import pull
from secateur.releases.signing import Signer, new_seed
from secateur.storage.s3_client import s3_client

MIB = 1 << 20
Action = Callable[[], object]


def add_flags(flags: argparse.ArgumentParser) -> None:
    """How many bytes, how often."""
    flags.add_argument("--mib", type=int, default=512)
    flags.add_argument("--rounds", type=int, default=3)


def figures(asked: Asked) -> Iterator[str]:
    """A line for each way to move the bytes, with its share of boto3's speed."""
    folder = asked.folder
    with LocalStore(folder / "store") as store:
        os.environ.update(store.environment())
        taken: dict[str, list[float]] = {}
        for number in range(asked.rounds):
            shutil.rmtree(folder / "round", ignore_errors=True)
            for name, action in actions(folder / "round", asked.mib, number):
                started = time.perf_counter()
                action()
                taken.setdefault(name, []).append(time.perf_counter() - started)
    up, down, publish_s, pull_s = (np.array(seconds) for seconds in taken.values())
    yield f"{asked.mib} MiB, {asked.rounds} rounds in turns: medians, the least and the most in"
    yield "brackets. *Share* is boto3's seconds for the same bytes in the same round, by ours.\n"
    yield "| | seconds | MiB/s | share |"
    yield "|---|--:|--:|--:|"
    yield f"| boto3 upload | {_spread(up)} | {asked.mib / np.median(up):.0f} | |"
    yield f"| boto3 download | {_spread(down)} | {asked.mib / np.median(down):.0f} | |"
    yield (
        f"| publish, with its canary's pull | {_spread(publish_s)} "
        f"| {2 * asked.mib / np.median(publish_s):.0f} | {_spread((up + down) / publish_s)} |"
    )
    yield (
        f"| pull | {_spread(pull_s)} | {asked.mib / np.median(pull_s):.0f} "
        f"| {_spread(down / pull_s)} |"
    )


def _spread(values: NDArray[np.float64]) -> str:
    return f"{np.median(values):.2f} ({values.min():.2f} to {values.max():.2f})"


def actions(folder: Path, mib: int, number: int) -> Iterator[tuple[str, Action]]:
    """What is timed, in its order; each round has bytes of its own."""
    path = folder / f"random-{number}" / "table.bin"
    path.parent.mkdir(parents=True)
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(MIB))
    uri = f"s3://{BUCKET}/{uuid4().hex}/transfer"
    client, key = s3_client(uri), f"raw/{uuid4().hex}"
    yield "upload", lambda: client.upload_file(str(path), BUCKET, key)
    yield "download", lambda: client.download_file(BUCKET, key, str(folder / "raw.bin"))
    client.delete_object(Bucket=BUCKET, Key=key)
    signer = Signer.of(new_seed())
    publisher = Publisher(Catalogue(*open_scenario(uri), signer.trust()), signer, lambda _: None)
    draft, package = release_of(path, folder)
    yield "publish", lambda: publish_files(publisher, "latest", draft, package)
    yield "pull", lambda: pull(uri, cache=folder / "cache", verify_keys=[signer.public])


def release_of(path: Path, folder: Path) -> tuple[ReleaseManifest, Path]:
    """A package of one file, and the draft of its release."""
    uri = (folder / "package").as_uri()
    with artifacts.create(uri, "Package") as draft:
        shutil.move(path, draft.folder / path.name)
        draft.seal(MadeBy("prune_model", "0"), {}, {})
    made = artifacts.open_artifact(uri, "Package")
    manifest = ReleaseManifest(
        scenario="transfer",
        number=0,
        package=made.digest,
        verdict=made.digest,
        recipe="random",
        published_at="",
        files=made.manifest.files,
        dense_bytes=made.manifest.bytes,
    )
    return manifest, made.folder


BENCHMARK = Benchmark(
    title="Moving releases beside boto3",
    figures=figures,
    page=lambda _asked: "transfer",
    add_flags=add_flags,
)
