"""The second form of a vocabulary: sorted, its gaps stored, hashes cut to the bits they need."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from secateur.contracts.errors import CorruptArtifact, NewerFormat
from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.serving.encoding.encoders import HashedEncoder, category_encoder
from secateur.serving.files import compression, golomb_rice
from secateur.serving.files.vocabulary import (
    FALSE_MATCH,
    Hashes,
    ascending_order,
    pack_ascending,
    unpack_vocabulary,
)

words = st.lists(st.text(max_size=4), unique=True, max_size=8)
numbers = st.lists(st.integers(0, 10**6).map(str), unique=True, max_size=30)
prefixed = st.lists(st.integers(0, 99).map("user {}".format), unique=True, max_size=30)
tokens = st.lists(st.integers(0, 2**32 - 1).map("{:08x}".format), unique=True, max_size=30)
hashes = st.lists(st.integers(0, 2**64 - 1).map("{:016x}".format), unique=True, max_size=30)


def schema_of(sizes: dict[str, int]) -> FeatureSchema:
    fields = (CategoryField(n, "item", size + 1, 1, n == "user") for n, size in sizes.items())
    return FeatureSchema("s", "l", tuple(fields), (), "k")


def packed(values: dict[str, list[str]], frequent: dict[str, int]) -> tuple[bytes, FeatureSchema]:
    schema = schema_of({name: len(known) for name, known in values.items()})
    return pack_ascending(schema, values, frequent), schema


@given(words | numbers | prefixed | tokens, hashes, st.data())
def test_values_come_back_in_ascending_runs(
    item: list[str], user: list[str], data: st.DataObject
) -> None:
    given_values = {"item": item, "user": user}
    frequent = {name: data.draw(st.integers(0, len(v))) for name, v in given_values.items()}
    schema = schema_of({name: len(known) for name, known in given_values.items()})
    values = {}
    for field in schema.categories:
        known = given_values[field.name]
        order = ascending_order(field, known, frequent[field.name])
        assert sorted(order[: frequent[field.name]]) == list(range(frequent[field.name]))
        values[field.name] = [known[place] for place in order]
    found = unpack_vocabulary(pack_ascending(schema, values, frequent), schema, "v")
    assert found["item"] == values["item"]
    kept = found["user"]
    assert isinstance(kept, Hashes)
    wanted = [int(h, 16) >> (64 - kept.bits) for h in values["user"]]
    assert kept.prefixes.tolist() == wanted
    assert category_encoder(kept).encode(values["user"]).tolist() == list(range(len(wanted)))


def test_an_unknown_hash_is_rarely_taken_for_a_known_one() -> None:
    dice = np.random.default_rng(0)
    known, unknown = (dice.integers(0, 2**64, n, np.uint64) for n in (3000, 2_000_000))
    spelled = sorted(f"{h:016x}" for h in known)
    data, schema = packed({"user": spelled}, {"user": 3000})
    kept = unpack_vocabulary(data, schema, "v")["user"]
    assert isinstance(kept, Hashes)
    found = np.isin(unknown >> np.uint64(64 - kept.bits), kept.prefixes).mean()
    assert 0 < found <= FALSE_MATCH
    # log2(1 / FALSE_MATCH) bits tell a known hash from others, and up to one bit is rounding.
    assert len(data) * 8 / 3000 < np.log2(1 / FALSE_MATCH) + 2.7


def test_hashes_that_begin_alike_keep_the_bits_that_tell_them_apart() -> None:
    user = ["00000000000000f0", "00000000000000f8"]
    data, schema = packed({"user": user}, {"user": 2})
    kept = unpack_vocabulary(data, schema, "v")["user"]
    assert isinstance(kept, Hashes)
    assert kept.bits == 61
    assert HashedEncoder(kept.prefixes, kept.bits).encode([*user, "f" * 16]).tolist() == [0, 1, 2]


def test_hashes_that_differ_in_their_last_bit_alone_are_kept_whole() -> None:
    user = [f"{h:016x}" for h in (0, 1, 2**64 - 1)]
    data, schema = packed({"user": user}, {"user": 3})
    kept = unpack_vocabulary(data, schema, "v")["user"]
    assert isinstance(kept, Hashes)
    assert kept.bits == 64
    assert kept.prefixes.tolist() == [0, 1, 2**64 - 1]


def test_dense_numbers_take_about_a_bit_each() -> None:
    dice = np.random.default_rng(0)
    item = [str(v) for v in np.flatnonzero(dice.random(20_000) < 0.6)]
    data, _ = packed({"item": item}, {"item": len(item)})
    assert len(data) * 8 / len(item) < 1.8


def test_tokens_of_hexadecimal_digits_take_little_more_than_their_gaps() -> None:
    drawn = np.random.default_rng(0).choice(2**32, 20_000, replace=False)
    item = [f"{v:08x}" for v in np.sort(drawn)]
    data, schema = packed({"item": item}, {"item": len(item)})
    assert unpack_vocabulary(data, schema, "v")["item"] == item
    assert len(data) * 8 / len(item) < np.log2(2**32 / 20_000) + 1.6


HEADER = {"form": 2, "fields": {"item": {"runs": [2, 1], "rice": 1, "unary": 1}}}
STORED = bytes([0b10110000, 0b01000000])  # q 0, 1, 0 and r 0, 1, 0: gaps 0, 3, 0


@pytest.mark.parametrize(
    ("change", "stored"),
    [
        ({"runs": [2, 2]}, STORED),
        ({"runs": [4, -1]}, STORED),
        ({"rice": 63}, STORED),
        ({"rice": -1}, STORED),
        ({"hex": 16}, STORED),
        ({"hex": -1}, STORED),
        ({"unary": 0}, STORED),
        ({"unary": 3}, STORED),
        ({"unary": -1}, STORED),
        ({"runs": "two"}, STORED),
        ({"more": 1}, STORED),
        ({"texts": ["a"]}, STORED),
        ({"texts": ["a", "b", "c"]}, STORED),
        ({}, STORED[:1]),
        ({}, STORED + b"\0"),
        ({}, bytes([0b10100000, 0b01000000])),
        ({}, bytes([0b10111000, 0b01000000])),
    ],
)
def test_a_vocabulary_unlike_its_header_is_refused(
    change: dict[str, object], stored: bytes
) -> None:
    schema = schema_of({"item": 3})
    whole = compression.pack(HEADER, STORED)
    assert unpack_vocabulary(whole, schema, "v")["item"] == ["0", "4", "0"]
    field = HEADER["fields"]["item"] | change  # type: ignore[index]
    with pytest.raises(NewerFormat if "more" in change else CorruptArtifact, match="v"):
        unpack_vocabulary(
            compression.pack({"form": 2, "fields": {"item": field}}, stored), schema, "v"
        )


@pytest.mark.parametrize("header", [{"form": 2}, {"form": 2, "fields": []}])
def test_a_header_without_its_fields_is_refused(header: dict[str, object]) -> None:
    with pytest.raises(CorruptArtifact):
        unpack_vocabulary(compression.pack(header, STORED), schema_of({"item": 3}), "v")


def test_numbers_too_large_to_be_true_are_refused() -> None:
    rice, unary, stored = golomb_rice.pack_gaps(np.array([2**61, 2**61 + 1]), [1, 1])
    with pytest.raises(ValueError, match="too large"):
        golomb_rice.unpack_gaps(memoryview(stored), [2], rice, unary)
