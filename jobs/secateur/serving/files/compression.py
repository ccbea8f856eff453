"""Files of a package as one zstandard frame with a checksum each.

The packed ones, table and vocabulary, have a header and bytes in it:

    4 bytes   length of the header, little endian
    header    JSON object
    payload   the rest, as the header's owner lays it out (`tables`, `vocabulary`)

Nothing in it is executable.
"""

import json
import struct
from collections.abc import Mapping
from typing import Any

import zstandard

from secateur.contracts.errors import CorruptArtifact, NewerFormat

LEVEL = 19
LARGEST = 1 << 32  # no package of ours unpacks to 4 GiB: a larger promise is a damaged one

NEWEST_FORM = 2  # of a table and of a vocabulary

_LENGTH = struct.Struct("<I")


def pack(header: dict[str, Any], payload: bytes) -> bytes:
    """Compress; equal input gives equal bytes."""
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    return compress(_LENGTH.pack(len(text)) + text + payload)


def compress(content: bytes) -> bytes:
    """One frame; equal input gives equal bytes."""
    return zstandard.ZstdCompressor(level=LEVEL, write_checksum=True).compress(content)


def unpack(data: bytes, where: str) -> tuple[dict[str, Any], memoryview]:
    """Give header and payload. Raises CorruptArtifact, naming `where`, on anything damaged."""
    content = decompress(data, where)
    if len(content) < _LENGTH.size:
        raise CorruptArtifact(f"{where}: {len(content)} bytes are too few for a header")
    (length,) = _LENGTH.unpack_from(content)
    start = _LENGTH.size + length
    try:
        header = json.loads(content[_LENGTH.size : start])
    except ValueError as error:
        raise CorruptArtifact(f"{where}: the header is not JSON: {error}") from error
    if start > len(content) or not isinstance(header, dict):
        raise CorruptArtifact(f"{where}: the header is not an object of {length} bytes")
    return header, memoryview(content)[start:]


def form_of(header: Mapping[str, Any], where: str) -> int:
    """1 or 2, the form of what follows a header. Raises NewerFormat, naming `where`."""
    form = header.get("form", 1)
    if isinstance(form, int) and form > NEWEST_FORM:
        raise NewerFormat(f"{where}: form {form}, where forms up to {NEWEST_FORM} are known")
    return 2 if form == NEWEST_FORM else 1


def decompress(data: bytes, where: str) -> bytes:
    """What `compress` was given. Raises CorruptArtifact, naming `where`."""
    try:
        promised = zstandard.frame_content_size(data)
        if not 0 <= promised <= LARGEST:
            raise CorruptArtifact(f"{where}: promises {promised} bytes")
        return zstandard.ZstdDecompressor().decompress(data, allow_extra_data=False)
    except (zstandard.ZstdError, MemoryError) as error:
        raise CorruptArtifact(f"{where}: not one whole zstandard frame: {error}") from error
