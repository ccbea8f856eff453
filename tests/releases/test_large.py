"""A package larger than memory is published and pulled in parts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secateur import artifacts
from secateur.contracts.manifest import MadeBy
from secateur.releases.signing import Signer

MIB = 1 << 20
CEILING = 256 * MIB
COPIES = 3  # the package, the store's and the pulled one

CHILD = """
import resource, sys
from pathlib import Path
sys.path[:0] = {paths!r}
from conftest import Shop
shop = Shop({root!r}, Path({folder!r}), seed={seed!r})
assert shop.publish("large").served
pulled = shop.pull()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
print(next(pulled.folder.rglob("large.bin")).stat().st_size)
"""


def write_unlike(path: Path, mib: int) -> None:
    """A file in which no two aligned words of a MiB are those of another: no chunk comes twice."""
    words = np.random.default_rng(0).integers(0, 1 << 63, MIB // 8, dtype=np.uint64)
    odd = np.uint64(0x9E3779B97F4A7C15)
    with path.open("wb") as file:
        for _ in range(mib):
            words += odd
            file.write(words)


@pytest.mark.proof
@pytest.mark.parametrize("gib", [2, 20])
def test_gibibytes_pass_through_a_quarter_of_one(shop: Any, gib: int) -> None:
    size = gib * 1024 * MIB
    if shutil.disk_usage(shop.folder).free < (COPIES + 0.5) * size:
        pytest.skip(f"needs room for {COPIES} copies of {gib} GiB")
    uri = str(shop.folder / "candidates" / "large" / "package")
    with artifacts.create(uri, "Package") as draft:
        write_unlike(draft.folder / "large.bin", gib * 1024)
        draft.seal(MadeBy("prune_model", "0"), {}, {})
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[1] / "jobs"), str(here.parents[1] / "infra")]
    code = CHILD.format(paths=paths, root=shop.root, folder=str(shop.folder), seed=shop.seed)
    environment = os.environ | {"SECATEUR_VERIFY_KEY": Signer.of(shop.seed).public}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    peak, pulled = map(int, ran.stdout.split())
    print(f"{gib} GiB in {peak / MIB:.0f} MiB")  # noqa: T201
    assert pulled == size
    assert peak < CEILING, f"{peak / MIB:.0f} MiB"
    shutil.rmtree(shop.folder)  # the next one needs the room
