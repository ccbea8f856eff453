"""Each architecture against its paper's equations, row by row, and on what it can learn."""

import itertools
from dataclasses import replace
from functools import reduce
from typing import get_args

import pytest
import torch

from secateur.contracts.errors import ScenarioError
from secateur.contracts.models import Dimensions, ListInput, ModelSpec
from secateur.model.architectures.dcnv2.network import DCNv2
from secateur.model.architectures.din.network import DIN
from secateur.model.architectures.dlrm.network import DLRM
from secateur.model.architectures.dlrm.spec import Interaction
from secateur.model.architectures.finalmlp.network import FinalMLP
from secateur.model.architectures.gdcn.network import GDCN
from secateur.model.architectures.masknet.network import MaskNet
from secateur.model.architectures.network_settings import shapes_of
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import ARCHITECTURES, build, new_model
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs, Ragged
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext
from secateur.scenario import Training

from .conftest import SCHEMA, TRAINING, planted_probability

ROWS = [(4, 0, 2), (0, 1, 3), (2, 2, 0)]


def randomised(spec: ModelSpec) -> tuple[Recommender, Inputs]:
    model = build(spec).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5, generator=generator)
    numbers = torch.randn(len(ROWS), len(spec.numbers), generator=generator)
    ids = torch.tensor(ROWS, dtype=torch.int32)
    return model, Inputs(ids, numbers, torch.empty(len(ROWS), 0), ())


def places(row: tuple[int, ...]) -> list[int]:
    return [offset + i for offset, i in zip((0, 5, 8), row, strict=True)]


def test_logistic_regression_adds_weights_and_weighted_numbers() -> None:
    model, inputs = randomised(ModelSpec("lr", tuple("abc"), (5, 3, 4), 0, (), numbers=("x",)))
    weights, bias = model.first_order.weight[:, 0], model.bias[0]
    expected = [
        bias + sum(weights[at] for at in places(row)) + x * weights[12]
        for row, x in zip(ROWS, inputs.numbers[:, 0], strict=True)
    ]
    assert torch.allclose(model(inputs), torch.stack(expected), atol=1e-6)


def test_a_factorization_machine_adds_the_dot_products_of_all_pairs() -> None:
    """Rendle 2010, equation 1, with x = 1 for an id."""
    model, inputs = randomised(ModelSpec("fm", tuple("abc"), (5, 3, 4), 3, (), numbers=("x",)))
    v, w = model.embedding.weight, model.first_order.weight[:, 0]
    expected = []
    for row, x in zip(ROWS, inputs.numbers[:, 0], strict=True):
        terms = [*((at, 1.0) for at in places(row)), (12, x)]
        linear = sum(w[at] * value for at, value in terms)
        pairs = sum((v[a] @ v[b]) * p * q for i, (a, p) in enumerate(terms) for b, q in terms[:i])
        expected.append(model.bias[0] + linear + pairs)
    assert torch.allclose(model(inputs), torch.stack(expected), atol=1e-5)


def test_a_cross_layer_is_the_papers_first_equation() -> None:
    spec = ModelSpec("dcnv2", tuple("abc"), (5, 3, 4), 2, (4,), numbers=("x",))
    model, inputs = randomised(replace(spec, own={"cross_layers": 2}))
    assert isinstance(model, DCNv2)
    expected = []
    for row, x in zip(ROWS, inputs.numbers, strict=True):
        x0 = torch.cat([*(model.embedding.weight[at] for at in places(row)), x])
        xl = x0
        for layer in model.cross:
            xl = x0 * (layer.weight @ xl + layer.bias) + xl
        hidden, output = model.tower.layers
        deep = output.weight[0] @ torch.relu(hidden.weight @ x0 + hidden.bias) + output.bias[0]
        expected.append(model.bias[0] + model.cross_output.weight[0] @ xl + deep)
    assert torch.allclose(model(inputs), torch.stack(expected), atol=1e-5)


@pytest.mark.parametrize("interaction", get_args(Interaction))
@pytest.mark.parametrize("numbers", [(), ("x", "y")])
def test_a_dlrms_tower_reads_how_all_embeddings_meet_that_of_the_numbers_too(
    numbers: tuple[str, ...], interaction: Interaction
) -> None:
    """Naumov et al. 2019, section 2.1; "cat" is `arch_interaction_op` of the authors' code."""
    spec = ModelSpec("dlrm", tuple("abc"), (5, 3, 4), 2, (4,), numbers=numbers)
    own: dict[str, Dimensions] = {"bottom": (4,) if numbers else (), "interaction": interaction}
    model, inputs = randomised(replace(spec, own=own))
    assert isinstance(model, DLRM)
    expected = []
    for row, x in zip(ROWS, inputs.numbers, strict=True):
        vectors = [model.embedding.weight[at] for at in places(row)]
        of_numbers = reduce(lambda z, at: torch.relu(at.weight @ z + at.bias), model.bottom, x)
        own = [of_numbers] if numbers else []
        vectors = [*own, *vectors]
        dots = torch.stack([a @ b for a, b in itertools.combinations(vectors, 2)])
        first = torch.cat([*own, dots] if interaction == "dot" else vectors)
        hidden, output = model.tower.layers
        deep = output.weight[0] @ torch.relu(hidden.weight @ first + hidden.bias) + output.bias[0]
        expected.append(model.bias[0] + deep)
    assert torch.allclose(model(inputs), torch.stack(expected), atol=1e-5)


def test_finalmlp_fuses_the_last_neurons_of_both_towers() -> None:
    """Mao et al. 2023, equation 9 with one head."""
    spec = ModelSpec("finalmlp", tuple("abc"), (5, 3, 4), 2, (4,), numbers=("x",), second=(3,))
    model, inputs = randomised(spec)
    assert isinstance(model, FinalMLP)
    expected = []
    for row, x in zip(ROWS, inputs.numbers, strict=True):
        first = torch.cat([*(model.embedding.weight[at] for at in places(row)), x])
        streams = []
        for hidden, output in (model.tower.layers, model.second.layers):
            h = torch.relu(hidden.weight @ first + hidden.bias)
            streams.append((h, output.weight[0] @ h + output.bias[0]))
        (one, of_one), (two, of_two) = streams
        expected.append(model.bias[0] + of_one + of_two + one @ model.fusion @ two)
    assert torch.allclose(model(inputs), torch.stack(expected), atol=1e-5)


def test_a_gated_cross_layer_is_the_papers_first_equation() -> None:
    """Wang et al. 2023, equation 1, beside a tower: GDCN-P."""
    spec = ModelSpec("gdcn", tuple("abc"), (5, 3, 4), 2, (4,), numbers=("x",))
    model, inputs = randomised(replace(spec, own={"cross_layers": 2}))
    assert isinstance(model, GDCN)
    expected = []
    for row, x in zip(ROWS, inputs.numbers, strict=True):
        c0 = torch.cat([*(model.embedding.weight[at] for at in places(row)), x])
        cl = c0
        for layer, gate in zip(model.cross, model.gates, strict=True):
            opened = 1 / (1 + torch.exp(-(gate.weight @ cl)))
            cl = c0 * (layer.weight @ cl + layer.bias) * opened + cl
        hidden, output = model.tower.layers
        deep = output.weight[0] @ torch.relu(hidden.weight @ c0 + hidden.bias) + output.bias[0]
        expected.append(model.bias[0] + model.cross_output.weight[0] @ cl + deep)
    assert torch.allclose(model(inputs), torch.stack(expected), atol=1e-5)


def test_mask_blocks_multiply_the_inputs_by_masks_of_them() -> None:
    """Wang et al. 2021, equations 6, 9 and 10, in parallel below a tower."""
    spec = ModelSpec("masknet", tuple("abc"), (5, 3, 4), 2, (4,), numbers=("x",))
    model, inputs = randomised(replace(spec, second=(6, 5), own={"block_width": 3}))
    assert isinstance(model, MaskNet)
    expected = []
    for row, number in zip(ROWS, inputs.numbers, strict=True):
        x = torch.cat([*(model.embedding.weight[at] for at in places(row)), number])
        blocks = []
        for mask, layer, norm in zip(model.masks, model.blocks, model.layer_norms, strict=True):
            aggregate, project = mask.layers
            inner = torch.relu(aggregate.weight @ x + aggregate.bias)
            masked = layer.weight @ ((project.weight @ inner + project.bias) * x)
            spread = ((masked - masked.mean()).square().mean() + 1e-5).sqrt()
            normalised = (masked - masked.mean()) / spread * norm.weight + norm.bias
            blocks.append(torch.relu(normalised))
        hidden, output = model.tower.layers
        inner = torch.relu(hidden.weight @ torch.cat(blocks) + hidden.bias)
        expected.append(model.bias[0] + output.weight[0] @ inner + output.bias[0])
    assert torch.allclose(model(inputs), torch.stack(expected), atol=1e-5)


def test_masks_are_wider_than_the_inputs_by_their_ratio() -> None:
    training = with_(architecture="masknet", mask_blocks=2, mask_block_width=7, mask_ratio=1.5)
    spec = new_model(SCHEMA, training, seed=1).spec
    assert spec.second == (round(1.5 * spec.flat_inputs),) * 2
    assert shapes_of("masknet").tower_inputs(spec) == 14


def test_din_weighs_a_history_by_the_item_to_be_scored() -> None:
    """Zhou et al. 2018, equation 3."""
    history = (ListInput("seen", 1),)
    spec = ModelSpec("din", tuple("abc"), (5, 3, 4), 2, (4,), lists=history)
    model, inputs = randomised(replace(spec, own={"attention": (3,)}))
    assert isinstance(model, DIN)
    seen = [[0, 2, 2], [], [1]]
    values = torch.tensor([value for one in seen for value in one], dtype=torch.int32)
    inputs = replace(inputs, lists=(Ragged(values, torch.tensor([0, 3, 3, 4])),))
    unit, unit_output = model.units[0].layers
    expected = []
    for row, items in zip(ROWS, seen, strict=True):
        of_ids = [model.embedding.weight[at] for at in places(row)]
        pooled, t = torch.zeros(2), of_ids[1]
        for v in (model.embedding.weight[5 + item] for item in items):
            h = torch.relu(unit.weight @ torch.cat([v, t, v - t, v * t]) + unit.bias)
            pooled = pooled + (unit_output.weight[0] @ h + unit_output.bias[0]) * v
        hidden, output = model.tower.layers
        h = torch.relu(hidden.weight @ torch.cat([*of_ids, pooled]) + hidden.bias)
        expected.append(model.bias[0] + output.weight[0] @ h + output.bias[0])
    assert torch.allclose(model(inputs), torch.stack(expected), atol=1e-5)


def test_din_without_a_history_is_refused() -> None:
    with pytest.raises(ScenarioError, match="din attends to a list that shares"):
        new_model(SCHEMA, with_(architecture="din"), seed=1)


@pytest.mark.parametrize("architecture", sorted(set(ARCHITECTURES) - {"din"}))
def test_only_logistic_regression_cannot_learn_that_users_like_their_parity(
    architecture: str, planted: tuple[Split, Split]
) -> None:
    _, holdout = planted
    training = with_(architecture=architecture, max_epochs=8.0, patience=99, learning_rate=2e-2)
    model = new_model(SCHEMA, training, seed=1)
    train(model, *planted, TrainingContext(training, 1))
    found = logit_auc(predict(model, holdout.inputs), holdout.labels)
    ids = holdout.inputs.ids.numpy()
    best = logit_auc(torch.from_numpy(planted_probability(ids)), holdout.labels)
    assert found < 0.6 if architecture == "lr" else found > best - 0.03


def test_a_dlrm_of_one_input_is_refused() -> None:
    alone = replace(SCHEMA, categories=SCHEMA.categories[:1], buckets=())
    with pytest.raises(ScenarioError, match="pairs of inputs, but there is one input alone"):
        new_model(alone, with_(architecture="dlrm"), seed=1)


def with_(**changes: object) -> Training:
    return TRAINING.model_copy(update=changes)
