"""Where files are cut: at content, alike at every time, within bounds."""

import hashlib
import random
from dataclasses import replace
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.manifest import Chunk, FileEntry
from secateur.releases import layout
from secateur.releases.writing import chunking

NORMAL = 512


def entry_of(folder: Path, data: bytes) -> FileEntry:
    (folder / "table").write_bytes(data)
    return FileEntry("table", hashlib.sha256(data).hexdigest(), len(data))


def cut(folder: Path, data: bytes) -> FileEntry:
    """The file's entry, with its chunks where it has some."""
    entry = entry_of(folder, data)
    if not chunking.is_large(entry):
        return entry
    chunks, parts = zip(*chunking.chunks_of(folder, entry), strict=True)
    assert b"".join(parts) == data
    return replace(entry, chunks=chunks)


def ends_by_the_paper(data: bytes, normal: int) -> list[int]:
    """FastCDC byte by byte, as its paper has it, with our hash of the last 8 bytes."""
    bits = normal.bit_length() - 1
    words = [int.from_bytes(data[max(end - 8, 0) : end], "little") for end in range(len(data) + 1)]
    hashes = [(word ^ int(chunking._FLIP)) * int(chunking._ODD) % 2**64 for word in words]
    ends, start = [], 0
    while len(data) - start > normal // 4:
        end = min(start + 4 * normal, len(data))
        for after in range(start + normal // 4, end):
            zeros = bits + 2 if after < start + normal else bits - 2
            if hashes[after] >> (64 - zeros) == 0:
                end = after
                break
        ends.append(end)
        start = end
    return ends if start == len(data) else [*ends, len(data)]


@pytest.mark.parametrize("length", [2049, 3000, 100_000, chunking._BLOCK * 2 + 77])
def test_cuts_are_those_of_the_paper(tmp_path: Path, small_chunks: Any, length: int) -> None:
    data = random.Random(length).randbytes(length)
    chunks = cut(tmp_path, data).chunks
    assert list(accumulate(chunk.bytes for chunk in chunks)) == ends_by_the_paper(data, NORMAL)


def test_chunks_are_the_file_one_after_the_other(tmp_path: Path, small_chunks: Any) -> None:
    data = random.Random(1).randbytes(50_000)
    entry, start = cut(tmp_path, data), 0
    for chunk in entry.chunks:
        part = data[start : start + chunk.bytes]
        assert chunk.sha256 == hashlib.sha256(part).hexdigest()
        start += chunk.bytes
    assert start == entry.bytes
    assert entry == cut(tmp_path, data)
    sizes = np.array([chunk.bytes for chunk in entry.chunks])
    assert NORMAL / 2 < sizes.mean() < NORMAL * 2
    assert sizes[:-1].min() >= NORMAL // 4
    assert sizes.max() <= NORMAL * 4


def test_a_change_moves_the_cuts_beside_it_alone(tmp_path: Path, small_chunks: Any) -> None:
    data = random.Random(2).randbytes(300_000)
    before = cut(tmp_path, data).chunks
    changes = {
        "inserted": data[:50_000] + b"a few new bytes" + data[50_000:],
        "removed": data[:50_000] + data[50_100:],
        "changed": data[:50_000] + b"other" + data[50_005:],
        "before all": b"new" + data,
        "appended": data + b"new" * 500,
    }
    for kind, changed in changes.items():
        after = cut(tmp_path, changed).chunks
        new = set(after) - set(before)
        assert 0 < len(new) < len(after) / 20, kind


def test_bytes_that_are_all_the_same_are_cut_at_the_largest_size(
    tmp_path: Path, small_chunks: Any
) -> None:
    entry = cut(tmp_path, bytes(20_000))
    assert len(set(entry.chunks[:-1])) == 1
    assert entry.chunks[0].bytes == NORMAL * 4


def test_places_are_held_as_far_as_a_chunk_goes(
    tmp_path: Path, small_chunks: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where every byte is one to cut at, these are many more than there are chunks."""
    held: list[int] = []
    real = chunking._first

    def first(places: chunking.Places, low: int, high: int) -> int | None:
        held.append(len(places))
        return real(places, low, high)

    monkeypatch.setattr(chunking, "_first", first)
    monkeypatch.setattr(chunking, "hashes_of", np.zeros_like)
    monkeypatch.setattr(chunking, "_BLOCK", 1024)
    entry = cut(tmp_path, bytes(100_000))
    assert {chunk.bytes for chunk in entry.chunks[:-1]} == {NORMAL // 4}
    assert max(held) <= 4 * NORMAL + 1024


def test_a_small_file_is_whole(tmp_path: Path, small_chunks: Any) -> None:
    for length in (0, 1, 4 * NORMAL):
        assert cut(tmp_path, bytes(length)).chunks == ()
    assert cut(tmp_path, bytes(4 * NORMAL + 1)).chunks


def test_a_file_of_other_bytes_is_not_cut(tmp_path: Path, small_chunks: Any) -> None:
    entry = entry_of(tmp_path, bytes(5000))
    known = cut(tmp_path, bytes(5000))
    (tmp_path / "table").write_bytes(bytes(4999) + b"1")
    for asked in (entry, known):
        with pytest.raises(CorruptArtifact, match="differ from its manifest"):
            list(chunking.chunks_of(tmp_path, asked))


def test_chunks_that_are_known_stay_as_they_are(tmp_path: Path, small_chunks: Any) -> None:
    data = random.Random(1).randbytes(5000)
    halves = tuple(Chunk(hashlib.sha256(h).hexdigest(), 2500) for h in (data[:2500], data[2500:]))
    entry = replace(entry_of(tmp_path, data), chunks=halves)
    assert [chunk for chunk, _ in chunking.chunks_of(tmp_path, entry)] == list(halves)


@pytest.mark.parametrize("size", [1 << 20, 1 << 29, 1 << 33, 1 << 35, 1 << 37])
def test_a_reader_can_hold_a_chunk_and_read_the_manifest(size: int) -> None:
    """Up to 128 GiB; an entry of a chunk has 90 bytes."""
    normal = chunking.normal_bytes(size)
    assert normal * chunking.SPREAD <= layout.CHUNK_LIMIT
    assert size / normal * 90 < layout.MANIFEST_LIMIT
    assert size < 1 << 29 or normal == chunking.LARGEST_NORMAL
    assert size / normal <= chunking.FEW_CHUNKS or normal == chunking.LARGEST_NORMAL
