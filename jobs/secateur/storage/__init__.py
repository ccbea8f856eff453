"""Bytes under keys at `file://` and `s3://`. boto3 is imported when the first bucket is opened."""

from secateur.storage.local import FileStore
from secateur.storage.open import open_store
from secateur.storage.store import (
    Store,
    StoredObject,
    Tagged,
    demand_key,
    demand_size,
    join,
    local_path,
)

__all__ = [
    "FileStore",
    "Store",
    "StoredObject",
    "Tagged",
    "demand_key",
    "demand_size",
    "join",
    "local_path",
    "open_store",
]
