"""Range asymmetric numeral systems (Duda 2013, arXiv:1311.2540): symbols at their entropy.

A symbol whose model gives it f of 4096 costs log2(4096 / f) bits, fractions of a bit included,
where a Huffman code spends whole ones. Many lanes take turns (Giesen 2014, arXiv:1402.3392, with
16-bit words), so that numpy decodes a symbol of every lane at once:

    models   uint16 [models, alphabet], each summing to 4096
    lanes    uint32, how many
    states   uint32 [lanes]
    words    uint16, in the order in which they are read

Symbol i belongs to lane i % lanes. A whole stream ends with every lane where the writer began and
with no word left over.
"""

import numpy as np
from numpy.typing import NDArray

Symbols = NDArray[np.uint8]
Contexts = NDArray[np.uint16]
Words = NDArray[np.uint16]

PRECISION = 12
TOTAL = 1 << PRECISION
LOW = 1 << 16  # states lie in [LOW, LOW << 16)
SYMBOLS_A_LANE = 2048  # a lane costs 4 bytes
MOST_LANES = 1 << 14


def encode_symbols(symbols: Symbols, contexts: Contexts, models: int, alphabet: int) -> bytes:
    """Code `symbols` [n] below `alphabet`, each by the model that `contexts` [n] names."""
    counts = np.zeros((models, alphabet), np.int64)
    np.add.at(counts, (contexts, symbols), 1)
    frequencies = np.array([_frequencies(row) for row in counts], "<u2").reshape(models, alphabet)
    starts = np.cumsum(frequencies, axis=1) - frequencies
    f = frequencies[contexts, symbols].astype(np.uint64)
    start = starts[contexts, symbols].astype(np.uint64)
    lanes = min(max(len(symbols) // SYMBOLS_A_LANE, 1), MOST_LANES)
    states, words = np.full(lanes, LOW, np.uint64), []
    for first in reversed(range(0, len(symbols), lanes)):
        block = slice(first, first + lanes)
        x = states[: len(f[block])]
        full = x >= f[block] << np.uint64(32 - PRECISION)
        words.append((x[full] & np.uint64(0xFFFF)).astype("<u2"))
        x[full] >>= np.uint64(16)
        whole, rest = np.divmod(x, f[block])
        x[:] = (whole << np.uint64(PRECISION)) + rest + start[block]
    head = frequencies.tobytes() + np.uint32(lanes).tobytes() + states.astype("<u4").tobytes()
    return head + b"".join(block.tobytes() for block in reversed(words))


def decode_symbols(data: memoryview, contexts: Contexts, models: int, alphabet: int) -> Symbols:
    """The symbols [n] of `contexts` [n]. Raises ValueError for a stream that is not whole."""
    frequencies, states, words = _split_stream(data, models, alphabet)
    slots = _slots(frequencies)
    symbols = np.empty(len(contexts), np.uint8)
    at, lanes = 0, len(states)
    base = contexts.astype(np.uint32) << PRECISION
    for first in range(0, len(contexts), lanes):
        block = slice(first, first + lanes)
        x = states[: len(base[block])]
        found = slots[base[block] + (x & (TOTAL - 1))]
        symbols[block] = found & 0xFF
        x[:] = ((found >> 20) + 1) * (x >> PRECISION) + (found >> 8 & (TOTAL - 1))
        low = np.flatnonzero(x < LOW)
        taken = words[at : at + len(low)]
        if len(taken) < len(low):
            raise ValueError("the stream ends early")
        x[low] = x[low] << 16 | taken
        at += len(low)
    if at != len(words) or (states != LOW).any():
        raise ValueError("the stream does not end where it should")
    return symbols


def _split_stream(
    data: memoryview, models: int, alphabet: int
) -> tuple[NDArray[np.uint16], NDArray[np.uint32], Words]:
    """Frequencies [models, alphabet], states [lanes] and words of a stream."""
    after = 2 * models * alphabet
    frequencies = np.frombuffer(data[:after], "<u2").reshape(models, alphabet)
    (lanes,) = np.frombuffer(data[after : after + 4], "<u4").tolist()
    words = after + 4 + 4 * lanes
    if not 0 < lanes <= MOST_LANES or len(data) < words:
        raise ValueError(f"{len(data)} bytes are too few for {lanes} lanes")
    states = np.frombuffer(data[after + 4 : words], "<u4").astype(np.uint32)
    return frequencies, states, np.frombuffer(data[words:], "<u2")


def _slots(frequencies: NDArray[np.uint16]) -> NDArray[np.uint32]:
    """Uint32 [models * 4096] of `frequencies` [models, alphabet]: what each slot means.

    That is a symbol's frequency - 1, the place in it, and the symbol.
    """
    whole = frequencies.astype(np.int64)
    if (whole.sum(axis=1) != TOTAL).any():
        raise ValueError(f"a model's frequencies do not sum to {TOTAL}")
    models, alphabet = whole.shape
    symbols = np.tile(np.arange(alphabet), models)
    starts = (np.cumsum(whole, axis=1) - whole).ravel()
    each = whole.ravel()
    place = np.tile(np.arange(TOTAL), models) - np.repeat(starts, each)
    meaning = np.repeat((each - 1) << 20 | symbols, each) | place << 8
    return np.asarray(meaning, np.uint32)


def _frequencies(counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Int64 [alphabet] in the proportion of `counts` [alphabet], summing to 4096.

    0 for what never occurs.
    """
    if not counts.any():
        return np.append(TOTAL, np.zeros(len(counts) - 1, np.int64))
    share: NDArray[np.int64] = np.rint(counts * (TOTAL / counts.sum())).astype(np.int64)
    share[(counts > 0) & (share == 0)] = 1
    while (excess := int(share.sum()) - TOTAL) != 0:
        share[share.argmax()] -= np.sign(excess) * min(abs(excess), max(1, abs(excess) // 2))
    return share
