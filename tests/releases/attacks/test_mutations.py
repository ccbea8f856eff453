"""Any object of a store, changed anywhere: refused in one line, or the right bytes all the same."""

import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from secateur.contracts.errors import SecateurError
from secateur.releases.signing import new_seed

from ..conftest import Shop


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


def mutate_often(shop: Any, times: int, seed: int) -> int:
    """Mutate one object after the other, and pull each time; how often it was refused."""
    right = {
        path.relative_to(shop.pull(cache="right").folder): path.read_bytes()
        for path in shop.pull(cache="right").folder.rglob("*")
        if path.is_file()
    }
    dice, refused = random.Random(seed), 0
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
            refused += 1
            assert str(error).count("\n") == 0
        shutil.rmtree(cache, ignore_errors=True)
        shop.store.put(key, good)
    return refused


@pytest.fixture
def folder_shop(tmp_path: Path) -> Shop:
    shop = Shop((tmp_path / "root").as_uri(), tmp_path, seed=new_seed())
    shop.publish("a")
    shop.publish("b")
    return shop


def test_a_hundred_mutations_give_no_wrong_byte_and_no_crash(folder_shop: Shop) -> None:
    assert mutate_often(folder_shop, 100, seed=1) > 25


@pytest.mark.proof
def test_ten_thousand_mutations_give_no_wrong_byte_and_no_crash(folder_shop: Shop) -> None:
    assert mutate_often(folder_shop, 10_000, seed=2) > 2500
