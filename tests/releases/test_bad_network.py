"""Three answers in ten are cut, flipped, delayed, or of the right size and wrong."""

import contextlib
import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from faulty_proxy import FaultyProxy
from secateur.contracts.errors import SecateurError
from secateur.releases import pulling
from secateur.releases.signing import new_seed

from .conftest import Shop

FAULTS = ("cut", "flip", "late", "wrong")
SHARE = 0.3
ATTEMPTS = 5


@dataclass
class BadNetwork:
    """The faults of a seed, and what they befell."""

    dice: random.Random
    faults: Counter[str] = field(default_factory=Counter)
    of_blobs: int = 0

    def choose(self, method: str, path: str) -> str | None:
        """Of an answer with a body: what is wrong with it, if anything."""
        if method != "GET" or self.dice.random() >= SHARE:
            return None
        fault = self.dice.choice(FAULTS)
        self.faults[fault] += 1
        self.of_blobs += "/blobs/" in path and fault != "late"
        return fault


@pytest.fixture
def behind(
    object_store: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Shop, FaultyProxy]]:
    """A shop whose every request goes through a proxy."""
    for name, value in object_store.items():
        monkeypatch.setenv(name, value)
    proxy = FaultyProxy(object_store["AWS_ENDPOINT_URL_S3"], pace_s=0.02)
    with proxy.running() as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", url)
        yield (
            Shop(f"s3://models/{tmp_path.name}-{random.random()}", tmp_path, seed=new_seed()),
            proxy,
        )


def pull_often(shop: Shop, proxy: FaultyProxy, times: int, seed: int) -> BadNetwork:
    """Into an empty cache each time: every byte is right, and no fault costs more than one blob."""
    network = BadNetwork(random.Random(seed))
    shop.publish("a")
    proxy.choose = network.choose
    for number in range(times):
        proxy.asked.clear()
        before = network.of_blobs
        pulled = pulling.pull(shop.uri, cache=shop.folder / str(number), verify_keys=shop.keys)
        assert (pulled.folder / "model.onnx").read_bytes() == b"a" * 50
        shared = (pulled.folder / "tables" / "users.bin").read_bytes()
        assert shared == b"the same everywhere"
        blobs = sum("/blobs/" in path for _, path, _ in proxy.asked)
        assert blobs <= len(pulled.manifest.files) + network.of_blobs - before
    return network


def publish_often(shop: Shop, proxy: FaultyProxy, times: int, seed: int) -> tuple[int, BadNetwork]:
    """Each publish, canary and all, through the same network; what is served is right.

    A listing has no signature: where one comes wrong, a publish may end in an error of ours, and
    is run again. Gives how many were.
    """
    network, again = BadNetwork(random.Random(seed)), 0
    shop.publish("first")
    proxy.choose = network.choose
    for number in range(times):
        for _ in range(ATTEMPTS):
            with contextlib.suppress(SecateurError):
                assert shop.publish(f"n{number}").served
                break
            again += 1
        found = (shop.pull().folder / "model.onnx").read_bytes()
        assert found == f"n{number}".encode() * 50
    return again, network


def test_what_is_pulled_through_a_bad_network_is_right(behind: tuple[Shop, FaultyProxy]) -> None:
    assert len(pull_often(*behind, times=8, seed=1).faults) == len(FAULTS)


@pytest.mark.proof
def test_five_hundred_pulls_through_a_bad_network_are_right(
    behind: tuple[Shop, FaultyProxy],
) -> None:
    network = pull_often(*behind, times=500, seed=2)
    print(dict(network.faults), network.of_blobs)  # noqa: T201
    assert network.of_blobs > 200


@pytest.mark.proof
def test_fifty_publishes_through_a_bad_network_are_right(
    behind: tuple[Shop, FaultyProxy],
) -> None:
    again, network = publish_often(*behind, times=50, seed=3)
    print(dict(network.faults), network.of_blobs, f"{again} run again")  # noqa: T201
    assert again <= 10
    assert sum(network.faults.values()) > 200
