"""Tables of few bits: what is stored comes back, takes its entropy, and is refused when damaged."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.contracts.errors import CorruptArtifact, NewerFormat
from secateur.serving.files import compression, entropy_coding
from secateur.serving.files.row_codes import MOST_LEVELS, ZERO, Segment, pack_codes
from secateur.serving.files.tables import unpack_table


@st.composite
def segments(draw: st.DrawFn) -> Segment:
    levels, first = (draw(st.sampled_from([127, 31, 7, 3, 1])) for _ in "12")
    strides = [draw(st.integers(1, MOST_LEVELS // n)) for n in (levels, first)]
    return Segment(draw(st.integers(0, 9)), levels, strides[0], first, strides[1])


def random_table(parts: list[Segment], width: int, seed: int = 0) -> np.ndarray:
    dice = np.random.default_rng(seed)
    rows = []
    for part in parts:
        embedding = dice.integers(-part.levels, part.levels + 1, (part.rows, width - 1))
        first = dice.integers(-part.first_levels, part.first_levels + 1, (part.rows, 1))
        rows.append(np.hstack([embedding * part.stride, first * part.first_stride]))
    return (np.vstack(rows) + ZERO).astype(np.uint8)


@given(st.lists(segments(), min_size=1, max_size=5), st.integers(1, 5))
def test_a_table_comes_back_as_it_was(parts: list[Segment], width: int) -> None:
    table = random_table(parts, width)
    if len(table):
        assert np.array_equal(unpack_table(pack_codes(table, parts), len(table), "t"), table)


def test_a_skewed_table_takes_its_entropy() -> None:
    dice = np.random.default_rng(1)
    codes = dice.choice([-1, 0, 1], (20_000, 8), p=[0.05, 0.9, 0.05])
    packed = pack_codes((codes + ZERO).astype(np.uint8), [Segment(20_000, 1, 1, 1, 1)])
    assert compression.unpack(packed, "t")[0]["coding"] == "rans"
    bits = -(0.9 * np.log2(0.9) + 0.1 * np.log2(0.05))
    assert len(packed) < 1.04 * codes.size * bits / 8


def test_a_tiny_table_is_left_to_zstandard() -> None:
    packed = pack_codes(np.full((3, 2), ZERO, np.uint8), [Segment(3, 1, 1, 1, 1)])
    assert compression.unpack(packed, "t")[0]["coding"] == "bytes"


HEADER = {"form": 2, "rows": 3, "width": 2, "coding": "bytes", "segments": [[3, 1, 9, 1, 1]]}


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({}, b"\1\1\1\1\1"),
        ({}, b"\1\1\1\1\1\1\1"),
        ({}, b"\1\1\1\1\1\xff"),
        ({"rows": 2}, b"\1\1\1\1"),
        ({"width": 3}, b"\1\1\1\1\1\1"),
        ({"width": 0}, b""),
        ({"width": 1 << 40}, b""),
        ({"coding": "huffman"}, b"\1\1\1\1\1\1"),
        ({"coding": "rans"}, b"\1\1\1\1\1\1"),
        ({"segments": []}, b"\1\1\1\1\1\1"),
        ({"segments": [[2, 1, 1, 1, 1]]}, b"\1\1\1\1\1\1"),
        ({"segments": [[3, 1, 1, 1]]}, b"\1\1\1\1\1\1"),
        ({"segments": [[3, 64, 2, 1, 1]]}, b"\1\1\1\1\1\1"),
        ({"segments": [[4, 1, 1, 1, 1], [-1, 1, 1, 1, 1]]}, b"\1\1\1\1\1\1"),
        ({"more": 1}, b"\1\1\1\1\1\1"),
    ],
)
def test_a_table_unlike_its_header_is_refused(change: dict[str, object], codes: bytes) -> None:
    assert unpack_table(compression.pack(HEADER, b"\0\1\2\0\1\2"), 3, "t").tolist() == [
        [119, 127],
        [128, 128],
        [137, 129],
    ]
    kind = NewerFormat if "more" in change else CorruptArtifact
    with pytest.raises(kind):
        unpack_table(compression.pack(HEADER | change, codes), 3, "t")


def stream(n: int = 5000, models: int = 3, alphabet: int = 7) -> tuple[np.ndarray, np.ndarray]:
    dice = np.random.default_rng(2)
    contexts = dice.integers(0, models, n).astype(np.uint16)
    symbols = dice.binomial(alphabet - 1, 0.1 + 0.2 * contexts).astype(np.uint8)
    return symbols, contexts


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), max_size=300),
    st.integers(10, 256),
)
def test_symbols_come_back_as_they_were(pairs: list[tuple[int, int]], alphabet: int) -> None:
    symbols = np.array([s for s, _ in pairs], np.uint8)
    contexts = np.array([c for _, c in pairs], np.uint16)
    coded = entropy_coding.encode_symbols(symbols, contexts, 3, alphabet)
    assert np.array_equal(
        entropy_coding.decode_symbols(memoryview(coded), contexts, 3, alphabet), symbols
    )


def test_a_frequent_symbol_beside_many_rare_ones_keeps_its_share() -> None:
    symbols = np.concatenate([np.zeros(10**6, np.uint8), np.arange(256, dtype=np.uint8)])
    contexts = np.zeros(len(symbols), np.uint16)
    coded = entropy_coding.encode_symbols(symbols, contexts, 1, 256)
    assert np.array_equal(
        entropy_coding.decode_symbols(memoryview(coded), contexts, 1, 256), symbols
    )
    assert len(coded) < len(symbols) / 50


def test_a_damaged_stream_is_refused_or_tells_of_itself() -> None:
    """The frame's checksum finds all damage; the stream itself finds what changes its length."""
    symbols, contexts = stream()
    whole = entropy_coding.encode_symbols(symbols, contexts, 3, 7)
    refused = 0
    for position in range(0, len(whole), 7):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        try:
            found = entropy_coding.decode_symbols(memoryview(damaged), contexts, 3, 7)
        except ValueError:
            refused += 1
            continue
        assert not np.array_equal(found, symbols)
    assert refused > 0.95 * len(range(0, len(whole), 7))


@pytest.mark.parametrize("length", [0, 1, 41, 42, 45, 49, 100, -2, -1])
def test_a_truncated_stream_is_refused(length: int) -> None:
    symbols, contexts = stream()
    whole = entropy_coding.encode_symbols(symbols, contexts, 3, 7)
    with pytest.raises(ValueError):
        entropy_coding.decode_symbols(memoryview(whole[:length]), contexts, 3, 7)
    with pytest.raises(ValueError):
        entropy_coding.decode_symbols(memoryview(whole + b"\0\0"), contexts, 3, 7)
