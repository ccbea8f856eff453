"""What a release changed of the one before it: patches, for readers who hold that one.

Where a few rows in every chunk changed, all chunks are new. A patch is such a blob, compressed by
zstandard with the bytes that were there before as its dictionary, and all patches of a release lie
in one object:

    4 bytes   length of the header, little endian
    header    JSON of a `DeltaHeader`
    payload   the patches, one after the other

Nothing of it is signed or believed: what a patch makes has the sha256 that the signed manifest
says, or is fetched. So a delta may be missing or wrong, and costs no more than its own bytes then.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import zstandard

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, NewerFormat
from secateur.contracts.manifest import Chunk
from secateur.contracts.releases import ReleaseManifest
from secateur.releases import layout

LEVEL = 3  # as small as at 9 where rows or counters changed, in a third of the time
LEAST_TABLE, MOST_TABLE = 17, 22  # bits of the tables that matches are looked up in
MOST_BASES = 8  # blobs that one is patched from
_LENGTH = struct.Struct("<I")


@dataclass(frozen=True)
class Patch:
    """How blob number `blob` of a release follows from `bases` blobs of the one before it.

    Those are numbers `first` and following, and the patch has so many `bytes`. Blobs are numbered
    in the order of the manifests.
    """

    blob: int
    first: int
    bases: int
    bytes: int


@dataclass(frozen=True)
class DeltaHeader:
    """`base` is the sha256 of the manifest that blobs are patched from."""

    base: str
    patches: tuple[tuple[int, ...], ...]

    @property
    def each(self) -> list[Patch]:
        """The patches. Raises CorruptArtifact where one is none."""
        try:
            found = [Patch(*numbers) for numbers in self.patches]
        except TypeError as error:
            raise CorruptArtifact(f"a delta's patches have four numbers: {error}") from error
        if any(min(p.blob, p.first, p.bases, p.bytes) < 0 or p.bases > MOST_BASES for p in found):
            raise CorruptArtifact("a delta's patches have numbers that cannot be")
        return found


def head_of(base: str, patches: Sequence[Patch]) -> bytes:
    """What goes before the patches of a delta."""
    header = DeltaHeader(base, tuple((p.blob, p.first, p.bases, p.bytes) for p in patches))
    text = record.canonical_json(header)
    return _LENGTH.pack(len(text)) + text


def header_length(data: bytes) -> int:
    """How long the header is that follows these 4 bytes. Raises CorruptArtifact."""
    length = (
        int(_LENGTH.unpack(data)[0]) if len(data) == _LENGTH.size else layout.MANIFEST_LIMIT + 1
    )
    if length > layout.MANIFEST_LIMIT:
        raise CorruptArtifact("a delta without a header")
    return length


def read_header(data: bytes) -> DeltaHeader:
    """A header of its bytes. Raises CorruptArtifact."""
    try:
        return record.from_plain(DeltaHeader, json.loads(data), "delta")  # type: ignore[no-any-return]
    except (ValueError, RecursionError, NewerFormat) as error:
        raise CorruptArtifact(f"a delta's header: {error}") from error


def blobs_of(manifest: ReleaseManifest) -> list[Chunk]:
    """All blobs of a release in the order of its files, the same one more than once."""
    return [blob for entry in manifest.files for blob in entry.blobs]


def make_patch(data: bytes, base: bytes) -> bytes:
    """`data` as what differs from `base`."""
    # Matches may lie as far back as the base begins; a level's own tables would forget them.
    window = max(10, (len(data) + len(base)).bit_length())
    table = min(MOST_TABLE, max(LEAST_TABLE, window - 2))
    shape = zstandard.ZstdCompressionParameters.from_level(
        LEVEL, window_log=window, hash_log=table, chain_log=table
    )
    return zstandard.ZstdCompressor(dict_data=_dictionary(base), compression_params=shape).compress(
        data
    )


def apply_patch(patch: bytes, base: bytes, size: int) -> bytes:
    """The `size` bytes that a patch makes of `base`. Raises CorruptArtifact."""
    try:
        if zstandard.frame_content_size(patch) != size:
            raise CorruptArtifact("a patch makes a blob of another size")
        return zstandard.ZstdDecompressor(dict_data=_dictionary(base)).decompress(patch)
    except (zstandard.ZstdError, MemoryError) as error:
        raise CorruptArtifact(f"a patch that is none: {error}") from error


def _dictionary(base: bytes) -> zstandard.ZstdCompressionDict:
    return zstandard.ZstdCompressionDict(base, dict_type=zstandard.DICT_TYPE_RAWCONTENT)


def starts_of(blobs: Sequence[Chunk]) -> list[int]:
    """Where each of a file's blobs begins, and where the last one ends."""
    return list(accumulate((blob.bytes for blob in blobs), initial=0))
