"""A small site: packages of a few bytes, verdicts that accept them, a publisher and a reader."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MadeBy
from secateur.contracts.releases import PublishReceipt
from secateur.releases import canary, pulling, signing
from secateur.releases.catalogue import Catalogue
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import FromNight, publish
from secateur.releases.pulling import PulledRelease
from secateur.releases.writing import chunking
from secateur.storage import Store, StoredObject, Tagged, join, open_store

SCENARIO = "short_video"
DENSE_BYTES = 1_000_000
SEED = signing.new_seed()
NO_NIGHT = FromNight()


def accept(_: PulledRelease) -> None:
    """A canary that finds nothing: these packages hold no model."""


@dataclass
class Shop:
    """One scenario's store at `root`, who publishes there, and one reader's cache."""

    root: str
    folder: Path
    scenario: str = SCENARIO
    seed: str = field(default_factory=signing.new_seed)
    table: Callable[[str], bytes] | None = None  # of a package's name, where it has one

    @property
    def signer(self) -> signing.Signer:
        return signing.Signer.of(self.seed)

    @property
    def uri(self) -> str:
        return join(self.root, self.scenario)

    @cached_property
    def store(self) -> Store:
        return open_store(self.uri)

    @property
    def keys(self) -> list[str]:
        return [self.signer.public]

    def catalogue(self, store: Store | None = None) -> Catalogue:
        return Catalogue(store or self.store, self.scenario, signing.Trust.of(self.keys))

    def publisher(self, store: Store | None = None, try_out: canary.Canary = accept) -> Publisher:
        return Publisher(self.catalogue(store), self.signer, try_out)

    def package(self, name: str) -> Artifact:
        """A package whose bytes follow from its name; all packages share one file."""
        uri = str(self.folder / "candidates" / name / "package")
        if not artifacts.is_sealed(uri):
            files = {"model.onnx": name.encode() * 50, "tables/users.bin": b"the same everywhere"}
            table = {"table.zst": self.table(name)} if self.table else {}
            self._seal(uri, "Package", files | table)
        return artifacts.open_artifact(uri, "Package")

    def verdict(self, name: str, accepted: bool = True, package: str | None = None) -> Artifact:
        uri = str(self.folder / "verdicts" / name)
        if not artifacts.is_sealed(uri):
            digest = package or self.package(name).digest
            with artifacts.create(uri, "Verdict") as draft:
                draft.write("verdict.json", _verdict(name, accepted, digest))
                draft.seal(MadeBy("judge_candidates", "0"), {}, {"name": name})
        return artifacts.open_artifact(uri, "Verdict")

    def publish(
        self,
        name: str,
        channel: str = "latest",
        store: Store | None = None,
        origin: FromNight = NO_NIGHT,
        older_data: bool = False,
    ) -> PublishReceipt:
        package, verdict = self.package(name), self.verdict(name)
        return publish(self.publisher(store), channel, package, verdict, origin, older_data)

    def pull(
        self, channel: str = "latest", release: int | None = None, cache: str = "cache"
    ) -> PulledRelease:
        return pulling.pull(self.uri, channel, release, self.folder / cache, self.keys)

    def _seal(self, uri: str, kind: str, files: dict[str, bytes]) -> None:
        with artifacts.create(uri, kind) as draft:
            for path, data in files.items():
                (draft.folder / path).parent.mkdir(parents=True, exist_ok=True)
                (draft.folder / path).write_bytes(data)
            draft.seal(MadeBy("prune_model", "0"), {}, {})


def _verdict(name: str, accepted: bool, package: str) -> Verdict:
    return Verdict(
        accepted=accepted,
        reason="confirmed" if accepted else "too inaccurate",
        chosen=name,
        package=package,
        dense_package="d" * 64,
        dense_bytes=DENSE_BYTES,
        margin=0.01,
        supported_margin=0.005,
        confirmed=None,
        candidates=(),
    )


@dataclass
class Between(Store):
    """A store between us and the real one; a test overrides what it wants to go wrong."""

    inner: Store

    @property
    def uri(self) -> str:  # type: ignore[override]
        return self.inner.uri

    @property
    def address(self) -> str:  # type: ignore[override]
        return self.inner.address

    def get(self, key: str, limit: int | None = None) -> Tagged:
        return self.inner.get(key, limit)

    def put(self, key: str, data: bytes) -> None:
        self.inner.put(key, data)

    def put_new(self, key: str, data: bytes) -> None:
        self.inner.put_new(key, data)

    def swap(self, key: str, data: bytes, tag: str) -> None:
        self.inner.swap(key, data, tag)

    def entries(self, prefix: str = "") -> Iterator[StoredObject]:
        return self.inner.entries(prefix)

    def delete(self, key: str) -> None:
        self.inner.delete(key)


@pytest.fixture
def shop(root: str, tmp_path: Path) -> Shop:
    return Shop(root, tmp_path, seed=SEED)


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, bytes]]:
    """All objects of a store after 0, 1, ... 5 nights, which published `a` to `e`."""
    folder = tmp_path_factory.mktemp("nights")
    shop = Shop((folder / "root").as_uri(), folder, seed=SEED)
    snapshots: list[dict[str, bytes]] = [{}]
    for name in "abcde":
        shop.publish(name)
        snapshots.append({key: shop.store.get(key).data for key in shop.store.keys()})  # noqa: SIM118
    return snapshots


@pytest.fixture
def after(shop: Shop, nights: list[dict[str, bytes]]) -> Callable[[int], Shop]:
    """Bring the shop to where so many nights leave it, without publishing anew."""

    def bring(count: int) -> Shop:
        for key, data in nights[count].items():
            shop.store.put(key, data)
        return shop

    return bring


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of more than 2 KiB are cut, into chunks of some 512 bytes."""
    monkeypatch.setattr(chunking, "NORMAL_BYTES", 512)
    monkeypatch.setattr(chunking, "FEW_CHUNKS", 1 << 13)


def table_of_night(name: str) -> bytes:
    """A table of 5 KiB that differs from night to night in some bytes, one of them new."""
    same = random.Random(7).randbytes(5000)
    return same[:500] + name.encode() * 8 + same[500:900] + name.encode() + same[901:]


@pytest.fixture
def cut_shop(tmp_path: Path, small_chunks: None) -> Shop:
    """A shop in a folder whose packages have a table in chunks."""
    return Shop((tmp_path / "root").as_uri(), tmp_path, seed=SEED, table=table_of_night)


@pytest.fixture
def between() -> type[Between]:
    return Between
