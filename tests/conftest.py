"""What many rooms' tests share: a real object store, and a root at each kind of store."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from store import LocalStore

INFRA = str(Path(__file__).parents[1] / "infra")
if INFRA not in sys.path:
    sys.path.append(INFRA)


@pytest.fixture(scope="session")
def local_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator["LocalStore"]:
    """A running SeaweedFS of our own."""
    from store import LocalStore

    with LocalStore(tmp_path_factory.mktemp("store")) as store:
        yield store


@pytest.fixture(scope="session")
def object_store(local_store: "LocalStore") -> dict[str, str]:
    """The AWS_* variables that find it; its bucket is `models`."""
    return local_store.environment()


@pytest.fixture(params=["file", "s3"])
def root(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """URI of an empty place, once in a folder and once in the object store."""
    if request.param == "file":
        return (tmp_path / "root").as_uri()
    for name, value in request.getfixturevalue("object_store").items():
        monkeypatch.setenv(name, value)
    return f"s3://models/{uuid4().hex}"
