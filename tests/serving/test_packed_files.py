import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.serving.files import compression
from secateur.serving.files.tables import pack_table, unpack_table
from secateur.serving.files.vocabulary import pack_vocabulary, unpack_vocabulary

shapes = hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)
words = st.lists(st.text(max_size=5), max_size=8)
hashes = st.lists(st.integers(0, 2**64 - 1), max_size=8)


@given(hnp.arrays(np.float32, shapes, elements=st.floats(width=32, allow_nan=False)))
def test_a_float_table_comes_back_as_it_was(table: np.ndarray) -> None:
    assert np.array_equal(unpack_table(pack_table(table), len(table), "t"), table)


@given(hnp.arrays(np.uint8, shapes))
def test_a_byte_table_of_an_old_package_is_read(table: np.ndarray) -> None:
    rows, width = table.shape
    packed = compression.pack({"bits": 8, "rows": rows, "width": width}, table.tobytes())
    assert np.array_equal(unpack_table(packed, rows, "t"), table)


def test_a_nibble_table_of_an_old_package_is_read() -> None:
    packed = compression.pack({"bits": 4, "rows": 3, "width": 2}, bytes([0x1F, 0x08, 7, 8, 9]))
    assert unpack_table(packed, 3, "t").tolist() == [[135, 7], [121, 8], [128, 9]]


@given(words, hashes, hashes)
def test_a_vocabulary_comes_back_as_it_was(
    plain: list[str], first: list[int], second: list[int]
) -> None:
    schema = _schema(("a", first), ("b", plain), ("c", second), hashed="ac")
    spelled = {name: [f"{h:016x}" for h in found] for name, found in (("a", first), ("c", second))}
    packed = pack_vocabulary(schema, {"b": plain, **spelled})
    values = unpack_vocabulary(packed, schema, "v")
    assert values["b"] == plain
    found = {name: values[name] for name in "ac"}
    assert [list(map(int, h.prefixes)) for h in found.values()] == [first, second]  # type: ignore[union-attr]
    assert {h.bits for h in found.values()} == {64}  # type: ignore[union-attr]


def test_a_vocabulary_of_another_size_is_refused() -> None:
    packed = pack_vocabulary(_schema(("b", ["x", "y"])), {"b": ["x", "y"]})
    with pytest.raises(CorruptArtifact, match="b has not the 3 values"):
        unpack_vocabulary(packed, _schema(("b", ["x", "y", "z"])), "v")


@pytest.mark.parametrize(
    ("header", "payload"),
    [
        ({"bits": 8, "rows": 2, "width": 3}, b"12345"),
        ({"bits": 5, "rows": 2, "width": 3}, b"123456"),
        ({"bits": 8, "rows": 3, "width": 2}, b"123456"),
        ({"bits": 8, "rows": 2, "width": "3"}, b"123456"),
        ({}, b""),
    ],
)
def test_a_table_unlike_its_header_is_refused(header: dict[str, object], payload: bytes) -> None:
    with pytest.raises(CorruptArtifact):
        unpack_table(compression.pack(header, payload), 2, "t")


@given(st.binary(max_size=60))
def test_noise_is_refused(noise: bytes) -> None:
    with pytest.raises(CorruptArtifact):
        compression.unpack(noise, "t")


def _schema(*fields: tuple[str, list[object]], hashed: str = "") -> FeatureSchema:
    categories = tuple(
        CategoryField(name, "item", len(values) + 1, 1, name in hashed) for name, values in fields
    )
    return FeatureSchema("s", "l", categories, (), "k")
