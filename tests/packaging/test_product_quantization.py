"""Product quantization: words of books instead of embeddings, through the file and the client."""

from pathlib import Path

import numpy as np
import pytest
import torch

from secateur.artifacts import create
from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.data.inputs import Inputs
from secateur.packaging.assembly import write_package
from secateur.packaging.quantization.product_quantization import decode_words, product_quantize
from secateur.packaging.source import HeldOut, Source
from secateur.serving.files import compression, package
from secateur.serving.files.row_codes import Segment, pack_codes
from secateur.serving.files.tables import unpack_table
from secateur.serving.scorer import load


def clustered(rows: int, dim: int, words: int) -> np.ndarray:
    dice = np.random.default_rng(0)
    centres = dice.integers(-110, 110, (words, dim))
    noise = dice.integers(-2, 3, (rows, dim))
    return (centres[dice.integers(0, words, rows)] + noise).astype(np.float32)


def test_clusters_are_found() -> None:
    units = clustered(3000, 8, 12)
    words, books = product_quantize(units, 2, 16)
    assert words.shape == (3000, 2)
    assert [book.shape[1] for book in books] == [4, 4]
    error = np.square(decode_words(words, books) - units).mean()
    assert error < 0.02 * units.var()


def test_few_distinct_parts_are_kept_exactly() -> None:
    units = np.random.default_rng(1).integers(-1, 2, (500, 5)).astype(np.float32)
    words, books = product_quantize(units, 3, 16)
    assert [book.shape[1] for book in books] == [2, 2, 1]
    assert np.array_equal(decode_words(words, books), units)


def test_equal_rows_give_equal_words() -> None:
    units = clustered(2000, 6, 300)
    first, second = (product_quantize(units, 3, 16) for _ in "12")
    assert np.array_equal(first[0], second[0])
    assert all(map(np.array_equal, first[1], second[1]))


def test_a_table_of_words_comes_back_as_it_was() -> None:
    units = clustered(4000, 6, 40)
    words, books = product_quantize(units, 2, 64)
    first = np.random.default_rng(2).integers(-31, 32, 4000)
    table = (np.column_stack([decode_words(words, books), 4 * first]) + 128).astype(np.uint8)
    packed = pack_codes(table, [Segment(4000, 127, 1, 31, 4)], words, books)
    assert np.array_equal(unpack_table(packed, 4000, "t"), table)
    assert len(packed) < 4000 * 2.6  # 6 bits a word and 6 of the first order, and the books


HEADER = {"form": 2, "rows": 2, "width": 3, "coding": "bytes", "segments": [[2, 127, 1, 1, 1]]}


@pytest.mark.parametrize(
    ("books", "codes"),
    [
        ([[[1, 2]], [[3, 4]]], b"\0\0\0\0\1\1"),
        ([[[1, 2, 3]]], b"\0\0\1\1"),
        ([[[1, 2], [3]]], b"\0\0\1\1"),
        ([[[1, 256]]], b"\0\0\1\1"),
        ([[[1, -1]]], b"\0\0\1\1"),
        ([[]], b"\0\0\1\1"),
        ([[[1, 2]]], b"\0\1\1\1"),
        ([[[1, 2]]], b"\0\0\1\xff"),
        ([[[1, 2]]], b"\0\0\1"),
        ([[1, 2]], b"\0\0\1\1"),
    ],
)
def test_words_without_books_are_refused(books: object, codes: bytes) -> None:
    whole = compression.pack(HEADER | {"books": [[[1, 2], [3, 4]]]}, b"\1\0\1\2")
    assert unpack_table(whole, 2, "t").tolist() == [[3, 4, 128], [1, 2, 129]]
    with pytest.raises(CorruptArtifact):
        unpack_table(compression.pack(HEADER | {"books": books}, codes), 2, "t")


def test_the_client_scores_like_torch_on_the_words(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = DeepFM(ModelSpec("deepfm", ("a", "b"), (301, 101), 8, (6,))).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    words = {"a": [f"a{i}" for i in range(300)], "b": [str(i) for i in range(100)]}
    schema = FeatureSchema(
        "s",
        "l",
        (CategoryField("a", "item", 301, 1), CategoryField("b", "item", 101, 1)),
        (),
        "k",
    )
    golden = {"a": words["a"][:100], "b": words["b"]}
    ids = np.stack([np.arange(100), np.arange(100)], 1).astype(np.int32)
    held_out = HeldOut(golden, Inputs.of_ids(torch.from_numpy(ids)))
    source = Source(schema, words, held_out, {"days": {"train": ["1"]}, "rows": {"train": 1}})
    recipe = Recipe("pq", embedding_bits=4, product_parts=4, vocabulary="ascending")
    with create((tmp_path / "p").as_uri(), "Package") as draft:
        inputs = Inputs.of_ids(torch.from_numpy(ids))
        write_package(draft, model, recipe, source, inputs, "A sample")
    scorer = load(tmp_path / "p")
    table = package.read_package(tmp_path / "p").table
    assert all(len(np.unique(part, axis=0)) <= 16 for part in np.split(table[:, :-1], 4, axis=1))
    found = scorer.score(golden)
    with torch.no_grad():
        exact = torch.sigmoid(model(Inputs.of_ids(torch.from_numpy(ids)))).numpy()
    assert 1e-4 < np.abs(found - exact).mean() < 0.05
    assert np.corrcoef(found, exact)[0, 1] > 0.9
