"""A mirror of a small shop's release, and KServe's way to copy it, by boto3 alone."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import boto3
import pytest

from secateur.releases.mirrors.write_mirror import MirrorReceipt, write_mirror
from secateur.storage import local_path

from ..conftest import Shop


def copy_as_kserve_does(uri: str, folder: Path) -> Path:
    """Every object whose key begins with the URI's path, but empty ones, below `folder`.

    So does `Storage._download_s3` of kserve-storage 0.21, which `test_kserve_storage.py` runs.
    """
    local = local_path(uri)
    if local is not None:
        return Path(shutil.copytree(local, folder))
    bucket, _, path = uri.removeprefix("s3://").partition("/")
    found = boto3.resource("s3").Bucket(bucket)
    for one in found.objects.filter(Prefix=path):
        if not one.key.endswith("/") and one.size:
            target = folder / one.key.removeprefix(path).lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            found.download_file(one.key, str(target))
    return folder


@pytest.fixture
def mirror(shop: Shop, root: str) -> Callable[[str], MirrorReceipt]:
    """Publish a package and mirror its release."""

    def make(name: str) -> MirrorReceipt:
        number = shop.publish(name).number
        return write_mirror(shop.catalogue(), shop.pull(release=number), f"{root}/mirrors")

    return make


@pytest.fixture
def served_copy(tmp_path: Path) -> Callable[[str], Path]:
    """What lies in a pod, of a storage URI."""
    return lambda uri: copy_as_kserve_does(uri, tmp_path / f"models-{uuid4().hex}")


@pytest.fixture(autouse=True)
def _region(monkeypatch: pytest.MonkeyPatch) -> None:
    """A client of boto3's own wants one, whatever the store."""
    monkeypatch.setenv("AWS_REGION", os.environ.get("AWS_REGION", "us-east-1"))
