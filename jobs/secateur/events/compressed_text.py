"""Compressed text: its first lines, and whether it can be read to its end."""

import bz2
import gzip
import zlib
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import IO, cast

import zstandard

DAMAGE = (zlib.error, zstandard.ZstdError)
BOM = "\ufeff"
_BLANK = "".join(map(chr, range(0x21)))  # what is no row: as Java's String.trim has it
_BLOCK = 1 << 20
_LONGEST_LINE = 1 << 26


def unpack_zstd(path: Path, target: Path) -> Path:
    """The file as Spark can read it: zstd text, for which it has no codec, is unpacked."""
    if path.suffix != ".zst":
        return path
    target = target.with_suffix("")
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for block in _zstd_blocks(path):
            file.write(block)
    return target


def first_lines(path: Path, most: int) -> list[str]:
    """The first lines that are not blank, without their ends and a byte order mark."""
    with _open_stream(path) as stream:
        lines = iter(lambda: stream.readline(_LONGEST_LINE), b"")
        texts = (line.decode(errors="replace").rstrip("\r\n") for line in lines)
        found = list(islice((text for text in texts if text.strip(_BLANK + BOM)), most))
    return [found[0].removeprefix(BOM), *found[1:]] if found else []


def drain(path: Path) -> None:
    """Read to the end. Raises OSError, EOFError or one of `DAMAGE` where that fails."""
    if path.suffix in (".gz", ".bz2"):
        with _open_stream(path) as stream:
            while stream.read(_BLOCK):
                pass


def _open_stream(path: Path) -> IO[bytes]:
    if path.suffix == ".gz":
        return cast("IO[bytes]", gzip.open(path))
    return bz2.open(path) if path.suffix == ".bz2" else path.open("rb")


def _zstd_blocks(path: Path) -> Iterator[bytes]:
    """Unpacked blocks of one or more frames. Raises EOFError where the last one is cut short."""
    frame = None
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            while block:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(block)
                if not frame.eof:
                    break
                block, frame = frame.unused_data, None
    if frame is not None:
        raise EOFError("it ends within a zstd frame")
