"""Any object of a store, changed anywhere: refused in one line, or the right bytes all the same."""

import random
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from secateur.contracts.errors import SecateurError
from secateur.releases.signing import new_seed

from ..conftest import SCENARIO, Shop
from ..test_snapshots import publish_day


def mutated(data: bytes, dice: random.Random) -> bytes:
    """The bytes with a bit flipped, a stretch cut, doubled or replaced, or none left."""
    start = dice.randrange(len(data) + 1)
    end = min(len(data), start + dice.randrange(1, 9))
    kinds = [
        lambda: data[:start] + bytes([data[start - 1] ^ (1 << dice.randrange(8))]) + data[end:],
        lambda: data[:start] + data[end:],
        lambda: data[:end] + data[start:],
        lambda: data[:start] + dice.randbytes(end - start) + data[end:],
        lambda: (
            data[:start] + dice.choice([b'"', b"{", b"null", b"1e999", b"\xff", b"\0"]) + data[end:]
        ),
        lambda: b"",
    ]
    return dice.choice(kinds)()


def mutate_often(shop: Any, times: int, seed: int) -> Counter[str]:
    """Mutate one object after the other, and pull each time; how often what kind was refused."""
    right = {
        path.relative_to(shop.pull(cache="right").folder): path.read_bytes()
        for path in shop.pull(cache="right").folder.rglob("*")
        if path.is_file()
    }
    dice, refused = random.Random(seed), Counter[str]()
    keys = [key for key in shop.store.keys() if not key.startswith("swept/")]  # noqa: SIM118
    for _ in range(times):
        key = dice.choice(keys)
        good = shop.store.get(key).data
        shop.store.put(key, mutated(good, dice))
        cache = shop.folder / "cache"
        try:
            folder = shop.pull().folder
            assert {path: (folder / path).read_bytes() for path in right} == right
        except SecateurError as error:
            refused[key.split("/")[0] if key[-4:] != ".sig" else "signature"] += 1
            assert str(error).count("\n") == 0
        shutil.rmtree(cache, ignore_errors=True)
        shop.store.put(key, good)
    return refused


@pytest.fixture(params=["models", "models in chunks", "snapshots"])
def folder_shop(request: pytest.FixtureRequest, tmp_path: Path) -> Shop:
    """Two releases in a folder, of models or of feature snapshots."""
    if request.param == "models in chunks":
        cut_shop: Shop = request.getfixturevalue("cut_shop")
        cut_shop.publish("a")
        cut_shop.publish("b")
        return cut_shop
    root = (tmp_path / "root").as_uri()
    if request.param == "models":
        shop = Shop(root, tmp_path, seed=new_seed())
        shop.publish("a")
        shop.publish("b")
        return shop
    shop = Shop(root, tmp_path, f"{SCENARIO}_snapshot", new_seed())
    publish_day(shop, "2024-03-01", 1)
    publish_day(shop, "2024-03-02", 2)
    return shop


def test_a_hundred_mutations_give_no_wrong_byte_and_no_crash(folder_shop: Shop) -> None:
    assert mutate_often(folder_shop, 100, seed=1).total() > 25


@pytest.mark.proof
def test_ten_thousand_mutations_give_no_wrong_byte_and_no_crash(folder_shop: Shop) -> None:
    """Of those that change what the channel serves, all are refused."""
    refused = mutate_often(folder_shop, 10_000, seed=2)
    print(dict(refused))  # noqa: T201
    assert refused.total() > 2500
    assert {"channels", "releases", "signature", "blobs"} <= refused.keys()
