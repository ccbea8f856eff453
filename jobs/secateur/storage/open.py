"""From a URI to the store that it names."""

from secateur.contracts.errors import UsageError
from secateur.storage.local import FileStore
from secateur.storage.store import Store, local_path, parsed_uri


def open_store(uri: str) -> Store:
    """Return the store at `file:///path` or `s3://bucket/prefix`; a bare path is a file.

    Raises UsageError for another scheme, and for none at all.
    """
    parsed = parsed_uri(uri)
    if parsed.scheme == "s3" and parsed.netloc:
        from secateur.storage.s3 import S3Store

        return S3Store(parsed.netloc, parsed.path.strip("/"))
    folder = local_path(uri)
    if folder is None or parsed.netloc not in ("", "localhost"):
        raise UsageError(f"{uri}: a URI starts with s3://bucket/ or file:///")
    return FileStore(folder)
