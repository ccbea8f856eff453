"""The version of a key that held at a time is the last that began before it or at it."""

import random

import numpy as np
import pyarrow as pa
import pytest

from secateur.features.days.versions import Versions


def version_at(versions: list[tuple[str, int]], key: str | None, time: int) -> int | None:
    begun = [
        (start, n) for n, (name, start) in enumerate(versions) if name == key and start <= time
    ]
    return max(begun)[1] if begun else None


@pytest.mark.parametrize("seed", range(20))
def test_it_is_that_of_a_search_by_hand(seed: int) -> None:
    dice = random.Random(seed)
    keys = [f"k{n}" for n in range(dice.randrange(1, 6))]
    versions = list(
        {(dice.choice(keys), dice.randrange(-5, 30)) for _ in range(dice.randrange(12))}
    )
    asked = [(dice.choice([*keys, "new", None]), dice.randrange(-9, 40)) for _ in range(60)]
    found = Versions(
        pa.array([key for key, _ in versions], pa.string()),
        np.array([start for _, start in versions], np.int64),
    ).places(
        pa.array([key for key, _ in asked], pa.string()),
        np.array([time for _, time in asked], np.int64),
    )
    assert found.to_pylist() == [version_at(versions, key, time) for key, time in asked]


def test_times_are_told_apart_to_the_millisecond() -> None:
    last = (1 << 63) - 2
    versions = Versions(pa.array(["a", "a"]), np.array([0, last], np.int64))
    found = versions.places(pa.array(["a"] * 3), np.array([-1, last - 1, last], np.int64))
    assert found.to_pylist() == [None, 0, 1]
