"""A site with one release, and what its packages say of one request."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import secateur
from secateur.releases import layout
from secateur.releases.by_hand.rolling_back import roll_back
from secateur.releases.catalogue import Catalogue
from secateur.releases.following import FollowingScorer, Reader
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.releases.signing import Signer, new_seed
from secateur.serving.scorer import load
from secateur.storage import join
from small_package import KEY, sealed, sealed_again

PATIENCE_S = 300.0  # a hundred moves take a while on two cores
REQUEST = {"user_id": 3, "video_id": [1, 5, 8], "duration_ms": [12_000, None, 500]}
Scores = tuple[float, ...]


@dataclass
class Site:
    """A store, its publisher, and what each of its packages says of REQUEST."""

    uri: str
    folder: Path
    seed: str
    packages: dict[int, tuple[Any, Any]]

    @property
    def publisher(self) -> Publisher:
        signer = Signer.of(self.seed)
        catalogue = Catalogue(*layout.open_scenario(self.uri), signer.trust())
        return Publisher(catalogue, signer, lambda _: None)

    def publish(self, seed: int) -> int:
        return publish(self.publisher, "latest", *self.packages[seed]).number

    def publish_again(self, seed: int, number: int) -> int:
        """Another release that says what the package of `seed` does."""
        made = sealed_again(self.folder, self.packages[seed][0], number)
        return publish(self.publisher, "latest", *made).number

    def roll_back(self, number: int) -> None:
        roll_back(self.publisher, "latest", number, "worse")

    def beside(self) -> "Site":
        """Another root of the same store, with one release, that nobody follows."""
        root, scenario = self.uri.rsplit("/", 1)
        found = replace(self, uri=join(root, "other", scenario))
        found.publish(1)
        return found

    def follow(self, **asked: Any) -> FollowingScorer:
        keys = [Signer.of(self.seed).public]
        reader = Reader(self.folder / "cache", keys, KEY)
        return secateur.follow(self.uri, reader=reader, **({"every_s": 0} | asked))

    def says(self, seed: int) -> Scores:
        return answer(load(self.packages[seed][0].folder, id_key=KEY))


def answer(scorer: Any) -> Scores:
    return tuple(scorer.score(REQUEST).tolist())


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Any, Any]]:
    folder = tmp_path_factory.mktemp("packages")
    return {seed: sealed(folder, seed) for seed in (1, 2, 3)}


@pytest.fixture
def site(
    root: str,
    tmp_path: Path,
    packages: dict[int, tuple[Any, Any]],
    monkeypatch: pytest.MonkeyPatch,
) -> Site:
    monkeypatch.delenv("SECATEUR_VERIFY_KEY", raising=False)
    found = Site(join(root, "short_video"), tmp_path, new_seed(), packages)
    found.publish(1)
    return found
