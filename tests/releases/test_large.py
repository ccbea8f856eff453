"""A package larger than memory is published and pulled in parts."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from secateur import artifacts
from secateur.contracts.manifest import MadeBy
from secateur.releases.signing import Signer

MIB = 1 << 20
SIZE, CEILING = 2048 * MIB, 256 * MIB

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


@pytest.mark.proof
def test_two_gibibytes_pass_through_a_quarter_of_one(shop: Any) -> None:
    """The file is sparse, the traffic is not."""
    uri = str(shop.folder / "candidates" / "large" / "package")
    with artifacts.create(uri, "Package") as draft:
        with (draft.folder / "large.bin").open("wb") as file:
            file.truncate(SIZE)
        draft.seal(MadeBy("prune_model", "0"), {}, {})
    here = Path(__file__).parent
    paths = [str(here), str(here.parents[1] / "jobs"), str(here.parents[1] / "infra")]
    code = CHILD.format(paths=paths, root=shop.root, folder=str(shop.folder), seed=shop.seed)
    environment = os.environ | {"SECATEUR_VERIFY_KEY": Signer.of(shop.seed).public}
    ran = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    peak, size = map(int, ran.stdout.split())
    assert size == SIZE
    assert peak < CEILING, f"{peak / MIB:.0f} MiB"
