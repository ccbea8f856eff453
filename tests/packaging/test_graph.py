"""The graph against torch's own forward pass, and against its integers computed by hand."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from secateur.contracts.candidates import Recipe
from secateur.contracts.models import ModelSpec
from secateur.model.deepfm import DeepFM
from secateur.packaging.graph import build
from secateur.packaging.parts import Parts, parts_of
from secateur.packaging.quantization import WEIGHT_LIMIT, IntegerLinear
from secateur.serving.tables import ZERO

specs = st.builds(
    lambda rows, dim, hidden: ModelSpec(
        "deepfm", tuple(f"f{i}" for i in range(len(rows))), tuple(rows), dim, tuple(hidden)
    ),
    st.lists(st.integers(1, 9), min_size=1, max_size=6),
    st.integers(1, 6),
    st.lists(st.integers(1, 9), min_size=1, max_size=3),
)
quickly = settings(max_examples=25, deadline=None)


def random_model(spec: ModelSpec, seed: int = 0) -> DeepFM:
    torch.manual_seed(seed)
    model = DeepFM(spec).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    return model


def random_ids(spec: ModelSpec, rows: int = 64) -> np.ndarray:
    """Ids of a schema taller than the tables: those at and above a table's height are OOV."""
    return np.random.default_rng(0).integers(
        0, np.array(spec.rows) + 2, (rows, len(spec.rows)), np.int32
    )


def recipe(embedding_bits: int, tower_bits: int) -> Recipe:
    return Recipe("r", embedding_bits=embedding_bits, tower_bits=tower_bits)  # type: ignore[arg-type]


def run(parts: Parts, ids: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    table = onnxruntime.OrtValue.ortvalue_from_numpy(parts.table.rows)
    options.add_external_initializers(["table"], [table])
    session = onnxruntime.InferenceSession(build(parts), options)
    return np.asarray(session.run(["probability"], {"ids": ids})[0])


def torch_scores(model: DeepFM, ids: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return torch.sigmoid(model(torch.as_tensor(ids))).numpy()


def dequantized(model: DeepFM, parts: Parts) -> DeepFM:
    """`model` with the table that the package holds, unfolded."""
    field = np.repeat(np.arange(len(parts.heights)), parts.heights)
    values = (parts.table.rows.astype(np.float64) - ZERO) * parts.table.units[field]
    embedding, folded = values[:, :-1], values[:, -1]
    seen = random_model(model.spec)
    seen.load_state_dict(model.state_dict())
    with torch.no_grad():
        seen.embedding.weight.copy_(torch.as_tensor(embedding))
        first_order = folded + 0.5 * (embedding**2).sum(axis=1)
        seen.first_order.weight.copy_(torch.as_tensor(first_order)[:, None])
    return seen


@quickly
@given(specs)
def test_float_graph_scores_like_torch(spec: ModelSpec) -> None:
    model, ids = random_model(spec), random_ids(spec)
    parts = parts_of(model, recipe(32, 32), ids)
    assert np.allclose(run(parts, ids), torch_scores(model, ids), atol=1e-5)


@quickly
@given(specs, st.sampled_from([8, 4]))
def test_integer_rows_score_like_torch_on_the_rows_they_stand_for(
    spec: ModelSpec, bits: int
) -> None:
    model, ids = random_model(spec), random_ids(spec)
    parts = parts_of(model, recipe(bits, 32), ids)
    assert parts.table.rows.dtype == np.uint8
    assert np.allclose(run(parts, ids), torch_scores(dequantized(model, parts), ids), atol=1e-5)


@quickly
@given(specs, st.sampled_from([8, 4]))
def test_integer_graph_scores_like_its_integers_by_hand(spec: ModelSpec, bits: int) -> None:
    model, ids = random_model(spec), random_ids(spec)
    parts = parts_of(model, recipe(bits, 8), ids)
    expected, found = by_hand(parts, ids), run(parts, ids)
    # A float that lies between two integers may be rounded to either.
    assert np.abs(found - expected).max() < 0.02
    assert np.median(np.abs(found - expected)) < 1e-6


def by_hand(parts: Parts, ids: np.ndarray) -> np.ndarray:
    heights = np.array(parts.heights)
    rows = np.minimum(ids, heights - 1) + np.cumsum(heights) - heights
    q = parts.table.rows.astype(np.int64)[rows] - ZERO
    sums = (q * parts.table.multipliers).sum(axis=1) * parts.table.steps.astype(np.float64)
    x, worth = q[:, :, :-1].reshape(len(ids), -1), 1.0
    for layer, step in zip(parts.hidden, (*parts.steps, None), strict=True):
        assert isinstance(layer, IntegerLinear)
        y = (x @ layer.weight.astype(np.int64)) * (layer.scale.astype(np.float64) * worth)
        y = np.maximum(y + layer.bias, 0)
        x = y if step is None else np.clip(np.rint(y / step), 0, 255).astype(np.int64)
        worth = step or 1.0
    logit = (x @ parts.output.weight)[:, 0] + parts.output.bias[0]
    logit += 0.5 * (sums[:, :-1] ** 2).sum(axis=1) + sums[:, -1]
    return np.asarray(1 / (1 + np.exp(-logit)))


@pytest.mark.parametrize(("bits", "tolerance"), [((8, 8), 0.01), ((4, 8), 0.08)])
def test_quantization_stays_within_its_tolerance(bits: tuple[int, int], tolerance: float) -> None:
    spec = ModelSpec("deepfm", tuple("abcdefgh"), (50,) * 8, 8, (32, 16))
    model, ids = random_model(spec), random_ids(spec, 500)
    with torch.no_grad():  # embeddings as large as trained ones, so that scores are not 0 or 1
        model.embedding.weight.mul_(0.3)
    expected = torch_scores(model, ids)
    found = run(parts_of(model, recipe(*bits), ids), ids)
    assert np.abs(found - expected).mean() < tolerance
    assert np.abs(expected - 0.5).mean() > 0.1


@given(st.integers(0, 1000))
def test_two_products_fit_sixteen_bits(seed: int) -> None:
    """Processors without VNNI add pairs of uint8 x int8 products in 16 bits, saturating."""
    spec = ModelSpec("deepfm", ("a", "b"), (5, 7), 3, (6, 4))
    parts = parts_of(random_model(spec, seed), recipe(8, 8), random_ids(spec))
    integers = [layer.weight for layer in parts.hidden] + [parts.table.multipliers]
    assert max(np.abs(weights).max() for weights in integers) == WEIGHT_LIMIT
    assert 255 * WEIGHT_LIMIT * 2 < 2**15


def test_equal_parts_give_equal_bytes() -> None:
    spec = ModelSpec("deepfm", ("a", "b"), (5, 7), 3, (6, 4))
    first, second = (
        build(parts_of(random_model(spec), recipe(8, 8), random_ids(spec))) for _ in "12"
    )
    assert first == second


def test_the_graph_is_standard_and_holds_its_real_shapes(tmp_path: Path) -> None:
    spec = ModelSpec("deepfm", ("a", "b"), (5, 7), 3, (6, 4))
    parts = parts_of(random_model(spec), recipe(8, 8), random_ids(spec))
    (tmp_path / "table").write_bytes(parts.table.rows.tobytes())
    (tmp_path / "model.onnx").write_bytes(build(parts))
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    graph = onnx.load(tmp_path / "model.onnx")
    assert {node.domain for node in graph.graph.node} == {""}
    shapes = {tensor.name: tuple(tensor.dims) for tensor in graph.graph.initializer}
    assert shapes["table"] == (12, 4)
    assert shapes["first_layer"] == (2, 3, 6)
    assert shapes["weight_1"] == (6, 4)


def test_a_model_of_zeros_scores_its_bias() -> None:
    spec = ModelSpec("deepfm", ("a",), (3,), 2, (4, 4))
    model = random_model(spec)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.bias.fill_(1.5)
    ids = random_ids(spec)
    for bits in ((32, 32), (8, 8), (4, 8), (4, 32)):
        found = run(parts_of(model, recipe(*bits), ids), ids)
        assert np.allclose(found, 1 / (1 + np.exp(-1.5)), atol=1e-6)
