"""FakeQuantization while learning: what is looked up is what is stored, and gradients pass."""

import numpy as np
import pytest
import torch

from all_kinds import SCHEMA
from secateur.model.architectures.fake_quantization import (
    FakeQuantization,
    best_step,
    fake_quantize,
)
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.data.inputs import Inputs, Ragged
from secateur.scenario import Training

FREQUENT = (5, 8, 4, 2, 2)


@pytest.fixture
def model() -> Recommender:
    model = new_model(SCHEMA, Training(embedding_dim=4, hidden=(6,)), seed=1).eval()
    generator = torch.Generator().manual_seed(2)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3, generator=generator)
    return model


def some_inputs(model: Recommender, rows: int = 50) -> Inputs:
    dice = np.random.default_rng(0)
    spec = model.spec
    ids = dice.integers(0, np.array(spec.rows[:3]) + 2, (rows, 3)).astype(np.int32)
    lists = []
    for one in spec.lists:
        offsets = np.cumsum([0, *dice.integers(0, 4, rows)])
        values = dice.integers(0, spec.rows[one.block] + 2, offsets[-1], np.int32)
        lists.append(Ragged(torch.from_numpy(values), torch.from_numpy(offsets)))
    return Inputs(torch.from_numpy(ids), torch.randn(rows, 3), torch.randn(rows, 6), tuple(lists))


def test_what_is_looked_up_is_what_is_left_in_the_table(model: Recommender) -> None:
    inputs = some_inputs(model)
    assert model.spec.rows == (13, 21, 4, 6, 3)
    model.fake_quantization = FakeQuantization(model.spec, model.embedding.weight, FREQUENT, (7, 1))
    before, seen = model.embedding.weight.detach().clone(), model(inputs)
    model.fake_quantization.quantize_table(model.embedding.weight)
    model.fake_quantization = None
    assert torch.allclose(model(inputs), seen, atol=1e-5)
    after = model.embedding.weight.detach()
    stored = sum(model.spec.rows)
    assert torch.equal(after[stored:], before[stored:])
    assert not torch.equal(after[:stored], before[:stored])


def test_rare_rows_have_the_levels_of_rare_rows(model: Recommender) -> None:
    table = model.embedding.weight
    FakeQuantization(model.spec, table, FREQUENT, (7, 1)).quantize_table(table)
    for block, few in zip(torch.split(table[:47], model.spec.rows), FREQUENT, strict=True):
        rare, frequent = block[few:-1], torch.cat([block[:few], block[-1:]])
        assert len(rare.unique()) <= 3 < len(frequent.unique()) <= 15


def test_the_gradient_passes_the_rounding_but_not_the_clipping(model: Recommender) -> None:
    table = model.embedding.weight.detach()
    rounding = FakeQuantization(model.spec, table, model.spec.rows, (1, 1))
    inputs = some_inputs(model)
    found = table[model.rows(inputs)].requires_grad_()
    out = rounding(found, inputs)
    assert not torch.equal(out, found)
    weights = torch.randn(out.shape)
    (out * weights).sum().backward()
    stored = inputs.ids.numel()
    of_ids = found.detach()[:stored]
    field = torch.arange(3).repeat(50)
    clipped = of_ids.abs() > 1.5 * rounding.steps.exp().detach()[2 * field, None]
    assert 0.01 < clipped.float().mean() < 0.5
    grad = found.grad
    assert grad is not None
    assert torch.allclose(grad[:stored], torch.where(clipped, 0.0, weights[:stored]))
    assert torch.equal(grad[stored : stored + 3], weights[stored : stored + 3])


def test_the_step_is_learned(model: Recommender) -> None:
    """A clipped value pulls at the step by its levels, another by what it was rounded by."""
    rounding = FakeQuantization(model.spec, model.embedding.weight, model.spec.rows, (1, 1))
    step = float(rounding.steps.detach().exp()[0])
    ids = torch.tensor([[0, 0, 0]], dtype=torch.int32)
    inputs = Inputs(ids, torch.empty(1, 0), torch.empty(1, 0), ())
    rounding.lists = []
    for value, pull in ((5 * step, 1.0), (0.75 * step, 0.25), (0.25 * step, -0.25)):
        found = torch.tensor([[value], [0.0], [0.0]])
        (gradient,) = torch.autograd.grad(rounding(found, inputs).sum(), rounding.steps)
        assert float(gradient[0]) == pytest.approx(pull * step, rel=1e-4)


@pytest.mark.parametrize("levels", [1, 3, 7])
def test_the_step_has_the_least_squared_error(levels: int) -> None:
    values = torch.randn(3000, generator=torch.Generator().manual_seed(0))

    def error(step: float) -> float:
        return float((fake_quantize(values, step, levels) - values).square().mean())

    chosen = best_step(values, levels)
    assert error(chosen) <= min(error(step) for step in np.linspace(0.05, 4, 60)) * 1.01
    # Max (1960, table 2) has these for 3, 7 and 15 evenly spaced values of a normal distribution.
    assert chosen == pytest.approx({1: 1.224, 3: 0.6508, 7: 0.3534}[levels], rel=0.08)


def test_values_on_a_grid_stay() -> None:
    values = torch.tensor([[-0.6, 0.2], [0.0, 0.4]])
    assert torch.allclose(fake_quantize(values, best_step(values, 3), 3), values, atol=1e-6)
    zeros = torch.zeros(2, 2)
    assert torch.equal(fake_quantize(zeros, best_step(zeros, 1), 1), zeros)
