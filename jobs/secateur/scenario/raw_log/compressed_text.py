"""Text in files that may be compressed: its blocks, its first lines, and how many records it holds.

A record is a line that is not blank. Lines end in LF, CR LF or CR, as Spark's reader has it too.
"""

import bz2
import io
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

import zstandard

from secateur.contracts.errors import Refused

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

DAMAGE = (OSError, EOFError, zlib.error, zstandard.ZstdError)
BOM = "\ufeff"
BLANK = "\x00\t\r\n\x0b\x0c "  # a line of these alone is no record
_BOM = BOM.encode()
_BLANK_WITHIN_LINE = b"\x00\t\x0b\x0c "
_ENDS_AS_LF = bytes.maketrans(b"\r", b"\n")
_BLOCK, _PACKED_BLOCK = 1 << 20, 1 << 16
_LONGEST_LINE = 1 << 26

_BY_SUFFIX = {".gz": ".gz", ".bz2": ".bz2", ".zst": ".zst"}
# With none of these a header of UTF-8 text begins; a zstd file may begin with a skippable frame.
_BY_MAGIC = {rb"\x1f\x8b": ".gz", rb"(?s)[\x50-\x5f]\x2a\x4d\x18|\x28\xb5\x2f\xfd": ".zst"}
_BY_MAGIC |= {rb"BZh[1-9](1AY&SY|\x17rE8P\x90)": ".bz2"}
_UNREAD = {b"PK\x03\x04": "zip", b"\xfd7zXZ\x00": "xz", b"\x04\x22\x4d\x18": "lz4"}
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class _Decompressor(Protocol):
    """One member, stream or frame of a compressed file."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, /) -> bytes: ...


_DECOMPRESSORS: dict[str, Callable[[], _Decompressor]] = {
    ".gz": lambda: zlib.decompressobj(wbits=zlib.MAX_WBITS | 16),
    ".bz2": bz2.BZ2Decompressor,
    ".zst": lambda: cast("_Decompressor", zstandard.ZstdDecompressor().decompressobj()),
}


class UnpackedText:
    """The blocks of a text file, unpacked: of all its members, streams or frames.

    `compression` is .gz, .bz2, .zst or "", as the file's name tells or else its first bytes.
    `is_padded` tells, once the blocks have been read, whether zeros stood behind a member.
    """

    def __init__(self, path: Path) -> None:
        """Raises Refused where it is compressed in a way that is not read."""
        self.path = path
        self.compression = _compression(path)
        self.is_padded = False

    def __iter__(self) -> Iterator[bytes]:
        """Raises one of `DAMAGE` where a file is cut short or damaged."""
        new = _DECOMPRESSORS.get(self.compression)
        if new is None:
            yield from _blocks(self.path, _BLOCK)
            return
        part = None
        for packed in _blocks(self.path, _PACKED_BLOCK):
            block = packed if part else self._without_padding(packed)
            while block:
                part = part or new()
                yield part.decompress(block)
                if not part.eof:
                    break
                block, part = self._without_padding(part.unused_data), None
        if part is not None:
            raise EOFError("it ends before the end of what was compressed")

    def _without_padding(self, data: bytes) -> bytes:
        rest = data.lstrip(b"\x00")
        self.is_padded |= len(rest) < len(data)
        return rest

    def first_lines(self, most: int) -> list[str]:
        """The first records, without line ends and a byte order mark.

        A byte that is no UTF-8 is a lone surrogate. Raises as the blocks do, and Refused of UTF-16.
        """
        with self.open(errors="surrogateescape") as text:
            lines = iter(lambda: text.readline(_LONGEST_LINE), "")
            records = (line.removesuffix("\n") for line in lines if line.strip(BLANK + BOM))
            return list(islice(records, most))

    def open(self, errors: str, newline: str | None = None) -> io.TextIOWrapper:
        """The text as a stream, whose `errors` and `newline` are Python's.

        Raises as the blocks do, and Refused of UTF-16.
        """
        stream = io.BufferedReader(_Stream(iter(self)))
        if stream.peek(2)[:2] in _UTF16:
            raise Refused("it is UTF-16: deliver it as UTF-8")
        return io.TextIOWrapper(stream, "utf-8-sig", errors, newline)


class _Stream(io.RawIOBase):
    """Blocks of bytes as a stream."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        target = memoryview(buffer)
        while not self._rest and (block := next(self._blocks, None)) is not None:
            self._rest = memoryview(block)
        taken, self._rest = self._rest[: len(target)], self._rest[len(target) :]
        target[: len(taken)] = taken
        return len(taken)


def is_utf8(line: str) -> bool:
    """Whether every byte of a line of `first_lines` was read."""
    try:
        line.encode()
    except UnicodeEncodeError:
        return False
    return True


def count_records(blocks: Iterable[bytes]) -> int:
    """The records in blocks of text."""
    records, within, first = 0, False, True
    for block in blocks:
        plain = block.removeprefix(_BOM) if first else block
        first = first and not block
        text = plain.translate(_ENDS_AS_LF, _BLANK_WITHIN_LINE)
        while b"\n\n" in text:
            text = text.replace(b"\n\n", b"\n")
        if text:
            records += text.count(b"\n") - (text.startswith(b"\n") and not within)
            within = not text.endswith(b"\n")
    return records + within


def _compression(path: Path) -> str:
    told = _BY_SUFFIX.get(path.suffix.lower())
    if told:
        return told
    with path.open("rb") as file:
        first = file.read(10)
    unread = next((name for magic, name in _UNREAD.items() if first.startswith(magic)), None)
    if unread:
        raise Refused(f"it is compressed as {unread}: deliver it plain, or as gz, bz2 or zst")
    return next((kind for magic, kind in _BY_MAGIC.items() if re.match(magic, first)), "")


def _blocks(path: Path, size: int) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(size):
            yield block
