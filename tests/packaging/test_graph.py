"""The graph against torch's own forward pass, and against its integers computed by hand."""

import itertools
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from random_models import plain_spec, random_inputs, random_model, specs
from secateur.contracts.candidates import Recipe
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.finalmlp.network import FinalMLP
from secateur.model.architectures.network_settings import SHAPES
from secateur.model.architectures.packages import graph_of
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.inputs import Inputs
from secateur.onnx_graph import linear_layers
from secateur.onnx_graph.linear_layers import WEIGHT_LIMIT, IntegerLinear
from secateur.packaging.graph.build import build_graph
from secateur.packaging.graph.parts import Parts
from secateur.packaging.graph.take_apart import parts_of
from secateur.serving.files.row_codes import ZERO

quickly = settings(max_examples=20, deadline=None)
Places = frozenset[int]
places = st.frozensets(st.integers(0, 5))


def within(spec: ModelSpec, request: Places) -> tuple[int, ...]:
    """Those of the places where the model has fields."""
    return tuple(sorted(i for i in request if i < len(spec.fields)))


def feed_of(spec: ModelSpec, parts: Parts, inputs: Inputs) -> dict[str, np.ndarray]:
    """The graph's inputs, lists padded row by row."""
    feed = {name: inputs.ids.numpy()[:, list(fields)] for name, fields in parts.id_columns.items()}
    if spec.numbers:
        feed["numbers"] = inputs.numbers.numpy()
    if spec.vectors:
        feed["vectors"] = inputs.vectors.numpy()
    for one, ragged in zip(spec.lists, inputs.lists, strict=True):
        bounds = ragged.offsets.tolist()
        rows = [ragged.values[a:b].tolist() for a, b in itertools.pairwise(bounds)]
        longest = max(map(len, rows))
        padded = [row + [-1] * (longest - len(row)) for row in rows]
        feed[f"list_{one.name}"] = np.array(padded, np.int32)
    return feed


def recipe(embedding_bits: int, tower_bits: int) -> Recipe:
    return Recipe("r", embedding_bits=embedding_bits, tower_bits=tower_bits)  # type: ignore[arg-type]


def run(spec: ModelSpec, parts: Parts, inputs: Inputs) -> np.ndarray:
    return scores_of(parts, feed_of(spec, parts, inputs))


def scores_of(parts: Parts, feed: dict[str, np.ndarray]) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    table = onnxruntime.OrtValue.ortvalue_from_numpy(parts.table.rows)
    options.add_external_initializers(["table"], [table])
    session = onnxruntime.InferenceSession(build_graph(parts), options)
    outputs = [output.name for output in session.get_outputs()]
    assert outputs == ["probability", *(f"probability_{task}" for task in parts.tasks)]
    return np.stack(session.run(outputs, feed), 1)


def torch_scores(model: Recommender, inputs: Inputs) -> np.ndarray:
    with torch.no_grad():
        return torch.sigmoid(model.score(model.embed(inputs))).numpy()


def dequantized(model: Recommender, parts: Parts) -> Recommender:
    """`model` with the table that the package holds, unfolded."""
    field = np.repeat(np.arange(len(parts.heights)), parts.heights)
    values = (parts.table.rows.astype(np.float64) - ZERO) * parts.table.units[field]
    embedding, folded = values[:, :-1], values[:, -1]
    seen = random_model(model.spec)
    seen.load_state_dict(model.state_dict())
    with torch.no_grad():
        seen.embedding.weight[: len(values)] = torch.as_tensor(embedding).float()
        first_order = folded + 0.5 * (embedding**2).sum(axis=1)
        if seen.first_orders:
            seen.first_order.weight[: len(values), 0] = torch.as_tensor(first_order).float()
        for weight, packed in parts.own.stored_weights(seen):
            if isinstance(packed, IntegerLinear):
                weight.copy_(torch.as_tensor(packed.weight * packed.scale))
    return seen


# The architectures of which a request's inputs are multiplied apart from its candidates'.
APART = [name for name in SHAPES if not graph_of(random_model(plain_spec(name)), 32).reads_whole]


def test_the_architectures_that_read_all_inputs_at_once_are_the_others() -> None:
    assert {"lr", "fm", "deepfm", "din"} <= set(APART)
    assert not {"dcnv2", "dlrm"} & set(APART)


@quickly
@given(specs(), places)
def test_float_graph_scores_like_torch(spec: ModelSpec, request: Places) -> None:
    model, inputs = random_model(spec), random_inputs(spec)
    parts = parts_of(model, recipe(32, 32), inputs, request=within(spec, request))
    assert np.allclose(run(spec, parts, inputs), torch_scores(model, inputs), atol=1e-5)


@quickly
@given(specs(), st.sampled_from([8, 4, 3, 2]), places)
def test_integer_rows_score_like_torch_on_the_rows_they_stand_for(
    spec: ModelSpec, bits: int, request: Places
) -> None:
    model, inputs = random_model(spec), random_inputs(spec)
    parts = parts_of(model, recipe(bits, 32), inputs, request=within(spec, request))
    assert parts.table.rows.dtype == np.uint8
    expected = torch_scores(dequantized(model, parts), inputs)
    assert np.allclose(run(spec, parts, inputs), expected, atol=1e-5)


@quickly
@given(
    specs(),
    st.tuples(st.sampled_from([8, 4, 3, 2]), st.sampled_from([8, 4])),
    places,
    st.sampled_from([0, 10, linear_layers.SMALL]),
)
def test_integer_graph_scores_like_its_integers_by_hand(
    spec: ModelSpec, bits: tuple[int, int], request: Places, small: int
) -> None:
    model, inputs = random_model(spec), random_inputs(spec)
    parts = parts_of(model, recipe(*bits), inputs, request=within(spec, request))
    assert all(len(np.unique(layer.weight)) <= 1 << bits[1] for layer in parts.hidden)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(linear_layers, "SMALL", small)
        expected, found = by_hand(model, parts, inputs), run(spec, parts, inputs)
    # A float that lies between two integers may be rounded to either.
    assert np.abs(found - expected).max() < 0.02
    assert np.median(np.abs(found - expected)) < 2e-6


@quickly
@given(
    specs(APART, least=3),
    st.frozensets(st.integers(0, 2), min_size=1, max_size=2),
    st.sampled_from([(32, 32), (8, 32), (8, 8), (4, 8)]),
)
def test_what_a_request_says_once_scores_as_if_said_for_every_candidate(
    spec: ModelSpec, request: Places, bits: tuple[int, int]
) -> None:
    model, inputs = random_model(spec), random_inputs(spec)
    parts = parts_of(model, recipe(*bits), inputs, request=within(spec, request))
    feed = feed_of(spec, parts, inputs)
    once = feed["request_ids"][5:6]
    repeated = scores_of(parts, feed | {"request_ids": np.repeat(once, len(feed["ids"]), axis=0)})
    shared = scores_of(parts, feed | {"request_ids": once})
    assert np.allclose(shared, repeated, atol=1e-6)
    if bits[1] == 8 and parts.hidden and not parts.non_ids.inputs:
        assert np.array_equal(shared, repeated)  # the products are of integers


def test_a_score_of_its_own_for_every_candidate_is_left() -> None:
    spec = ModelSpec("deepfm", tuple("abcd"), (50,) * 4, 4, (8, 8))
    model, inputs = random_model(spec), random_inputs(spec)
    feed = feed_of(spec, parts_of(model, recipe(8, 8), inputs, request=(0, 3)), inputs)
    assert {name: ids.shape for name, ids in feed.items()} == {
        "request_ids": (64, 2),
        "ids": (64, 2),
    }
    parts = parts_of(model, recipe(8, 8), inputs, request=(0, 3))
    assert scores_of(parts, feed | {"request_ids": feed["request_ids"][:1]}).std() > 0.05


def by_hand(model: Recommender, parts: Parts, inputs: Inputs) -> np.ndarray:
    """The tower in integers; torch's own pairs and first order of the rows that are stored."""
    heights, ids = np.array(parts.heights[: parts.fields]), inputs.ids.numpy()
    rows = np.minimum(ids, heights - 1) + np.cumsum(heights) - heights
    q = parts.table.rows.astype(np.int64)[rows] - ZERO
    with torch.no_grad():
        seen = dequantized(model, parts).double()
        embedded = seen.embed(in_double(inputs))
        logit = seen.score(embedded) - seen.bias
        first = seen.tower_input(embedded)
        logit = (logit - seen.tower(first) if parts.hidden else logit)[:, 0].numpy()
        other = seen.second.last_hidden(first) if isinstance(seen, FinalMLP) else None
        logit = seen.second.output(other)[:, 0].numpy() if other is not None else logit
    x, worth = q[:, :, :-1].reshape(len(ids), -1), 1.0
    if parts.own.computes_first_layer:
        x, beside = first.numpy(), np.zeros(1)
    else:
        beside = first.numpy()[:, x.shape[1] :] @ parts.non_ids.first
    steps = [*parts.steps, None] if parts.hidden else []
    for i, (layer, step) in enumerate(zip(parts.hidden, steps, strict=True)):
        assert isinstance(layer, IntegerLinear)
        integers = i > 0 and not layer.small
        unit = layer.scale.astype(np.float64) * worth
        bias = np.rint(layer.bias / unit) * unit if integers else layer.bias
        y = (x @ layer.weight.astype(np.int64)) * unit
        y, beside = np.maximum(y + bias + beside, 0), np.zeros(1)
        rounded = step is not None and not parts.hidden[i + 1].small
        x = np.clip(np.rint(y / step), 0, 255).astype(np.int64) if rounded else y
        worth = step if rounded else 1.0
    if other is not None:
        logit += ((x @ seen.fusion.detach().numpy()) * other.numpy()).sum(axis=1)
    of_tower = x @ parts.output.weight if parts.hidden else np.zeros((len(ids), 1))
    towers = of_tower + parts.output.bias
    towers[:, 0] += logit
    return np.asarray(1 / (1 + np.exp(-towers)))


def in_double(inputs: Inputs) -> Inputs:
    return Inputs(inputs.ids, inputs.numbers.double(), inputs.vectors.double(), inputs.lists)


@pytest.mark.parametrize(("bits", "tolerance"), [((8, 8), 0.01), ((4, 8), 0.08)])
def test_quantization_stays_within_its_tolerance(bits: tuple[int, int], tolerance: float) -> None:
    spec = ModelSpec("deepfm", tuple("abcdefgh"), (50,) * 8, 8, (32, 16))
    model, inputs = random_model(spec), random_inputs(spec, 500)
    with torch.no_grad():  # embeddings as large as trained ones, so that scores are not 0 or 1
        model.embedding.weight.mul_(0.3)
    expected = torch_scores(model, inputs)
    found = run(spec, parts_of(model, recipe(*bits), inputs), inputs)
    assert np.abs(found - expected).mean() < tolerance
    assert np.abs(expected - 0.5).mean() > 0.1


@given(st.integers(0, 1000))
def test_two_products_fit_sixteen_bits(seed: int) -> None:
    """Processors without VNNI add pairs of uint8 x int8 products in 16 bits, saturating."""
    spec = ModelSpec("deepfm", ("a", "b"), (5, 7), 3, (6, 4))
    parts = parts_of(random_model(spec, seed), recipe(8, 8), random_inputs(spec))
    integers = [layer.weight for layer in parts.hidden] + [parts.table.multipliers]
    assert max(np.abs(weights).max() for weights in integers) == WEIGHT_LIMIT
    assert 255 * WEIGHT_LIMIT * 2 < 2**15


def test_equal_parts_give_equal_bytes() -> None:
    spec = ModelSpec("deepfm", ("a", "b"), (5, 7), 3, (6, 4))
    first, second = (
        build_graph(parts_of(random_model(spec), recipe(8, 8), random_inputs(spec))) for _ in "12"
    )
    assert first == second


def test_the_graph_is_standard_and_holds_its_real_shapes(tmp_path: Path) -> None:
    spec = ModelSpec("deepfm", ("a", "b"), (5, 7), 3, (6, 4))
    parts = parts_of(random_model(spec), recipe(8, 8), random_inputs(spec))
    (tmp_path / "table").write_bytes(parts.table.rows.tobytes())
    (tmp_path / "model.onnx").write_bytes(build_graph(parts))
    onnx.checker.check_model(tmp_path / "model.onnx", full_check=True)
    graph = onnx.load(tmp_path / "model.onnx")
    assert {node.domain for node in graph.graph.node} == {""}
    tensors = {tensor.name: tensor for tensor in graph.graph.initializer}
    assert tuple(tensors.pop("table").dims) == (12, 4)
    weights = [t for t in tensors.values() if t.data_type == onnx.TensorProto.INT8]
    first, second = (quantized.weight for quantized in parts.hidden)
    stored = [onnx.numpy_helper.to_array(weight) for weight in weights]
    assert any(np.array_equal(one, first.reshape(2, 3, 6)) for one in stored)
    assert any(np.array_equal(one, second) for one in stored)


def test_onnxruntime_multiplies_the_integers_of_large_layers(tmp_path: Path) -> None:
    """In operators of its own: without them the graph computes the same in float, and slower."""
    spec = ModelSpec("deepfm", tuple("abcd"), (9,) * 4, 8, (96, 80, 72))
    parts = parts_of(random_model(spec), recipe(8, 8), random_inputs(spec), request=(0, 1))
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    table = onnxruntime.OrtValue.ortvalue_from_numpy(parts.table.rows)
    options.add_external_initializers(["table"], [table])
    onnxruntime.InferenceSession(build_graph(parts), options)
    made = [node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node]
    assert made.count("MatMulIntegerToFloat") == 1  # the candidates' columns
    assert made.count("QGemm") == 1  # the second layer; the third is one with its ReLU
    assert "DequantizeLinear" in made  # the request's, one row in float
    assert "Pad" not in made  # the first matrix is put together when the graph is loaded


def test_a_model_of_zeros_scores_its_bias() -> None:
    spec = ModelSpec("deepfm", ("a",), (3,), 2, (4, 4))
    model = random_model(spec)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
        model.bias.fill_(1.5)
    inputs = random_inputs(spec)
    for bits in ((32, 32), (8, 8), (4, 8), (4, 32)):
        found = run(spec, parts_of(model, recipe(*bits), inputs), inputs)
        assert np.allclose(found, 1 / (1 + np.exp(-1.5)), atol=1e-6)
