"""Row-wise optimizers against torch's own dense ones, on tables whose rows come rarely."""

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor

from secateur.model.optimization.closed_form_adamw import ClosedFormAdamW
from secateur.model.optimization.learning_rates import learning_rates
from secateur.model.optimization.sparse_optimizers import LazyAdam, RowwiseAdagrad

HEIGHT, WIDTH, STEPS = 60, 4, 400
PEAK = 1e-2


def drawn(seed: int) -> Tensor:
    return torch.randn(HEIGHT, WIDTH, generator=torch.Generator().manual_seed(seed))


def visits() -> Iterator[Tensor]:
    """Zipf: the first row at nearly every step, the last ones a few times or never."""
    dice = np.random.default_rng(3)
    share = 1 / np.arange(1, HEIGHT + 1) ** 1.3
    for _ in range(STEPS):
        yield torch.from_numpy(np.unique(dice.choice(HEIGHT, 6, p=share / share.sum())))


def gradient(weights: Tensor, rows: Tensor) -> Tensor:
    """Of a squared distance; as small as a mean over a batch makes it."""
    return 1e-4 * (weights - drawn(2)[rows])


def dense_adamw(decay: float, warmup: float) -> tuple[Tensor, list[Tensor]]:
    """The table after all steps of torch's AdamW, and what each visit saw."""
    weights = torch.nn.Parameter(drawn(1))
    optimizer = torch.optim.AdamW([weights], weight_decay=decay)
    seen = []
    for rows, rate in zip(visits(), learning_rates(PEAK, STEPS, warmup), strict=True):
        seen.append(weights.detach()[rows])
        weights.grad = torch.zeros_like(weights).index_copy(0, rows, gradient(seen[-1], rows))
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    return weights.detach(), seen


@pytest.mark.parametrize("warmup", [0.0, 0.1])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_lazy_adam_is_dense_adamw(decay: float, warmup: float) -> None:
    expected, seen = dense_adamw(decay, warmup)
    table = drawn(1)
    lazy = LazyAdam([table], ClosedFormAdamW(learning_rates(PEAK, STEPS, warmup), decay))
    for rows, wanted in zip(visits(), seen, strict=True):
        (block,) = lazy.read_rows(rows)
        assert torch.allclose(block, wanted, atol=2e-4)
        lazy.step([gradient(block, rows)])
    lazy.flush()
    assert (expected - drawn(1)).abs().max() > 1
    assert torch.allclose(table, expected, atol=1e-4)


def test_without_catching_up_it_would_not_be() -> None:
    expected, _ = dense_adamw(0.0, 0.0)
    table = torch.nn.Parameter(drawn(1))
    sparse = torch.optim.SparseAdam([table])
    for rows, rate in zip(visits(), learning_rates(PEAK, STEPS, 0.0), strict=True):
        values = gradient(table.detach()[rows], rows)
        table.grad = torch.sparse_coo_tensor(
            rows[None], values, table.shape, check_invariants=False
        )
        sparse.param_groups[0]["lr"] = rate
        sparse.step()
    assert (table.detach() - expected).abs().max() > 0.05


def test_only_the_rows_of_a_batch_are_written() -> None:
    table = drawn(1)
    lazy = LazyAdam([table], ClosedFormAdamW(learning_rates(PEAK, STEPS, 0.0)))
    rows = torch.tensor([2, 7])
    (block,) = lazy.read_rows(rows)
    lazy.step([torch.ones_like(block)])
    changed = torch.nonzero((table != drawn(1)).any(dim=1))[:, 0]
    assert changed.tolist() == [2, 7]


@pytest.mark.parametrize("optimizer", [LazyAdam, RowwiseAdagrad])
def test_a_resumed_optimizer_takes_the_same_steps_to_the_bit(
    optimizer: type[LazyAdam] | type[RowwiseAdagrad],
) -> None:
    closed_form = ClosedFormAdamW(learning_rates(PEAK, STEPS, 0.0), 0.1)
    table = drawn(1)
    whole = optimizer([table], closed_form)
    for number, rows in enumerate(visits()):
        if number == STEPS // 2:
            state = {name: tensor.clone() for name, tensor in whole.state().items()}
            later = table.clone()
            resumed = optimizer([later], closed_form)
            resumed.load_state(state)
        whole.step([gradient(whole.read_rows(rows)[0], rows)])
        if number >= STEPS // 2:
            resumed.step([gradient(resumed.read_rows(rows)[0], rows)])
    whole.flush()
    resumed.flush()
    assert torch.equal(table, later)


def test_rowwise_adagrad_divides_by_the_root_of_the_sum_of_mean_squares() -> None:
    table = torch.zeros(3, 2)
    adagrad = RowwiseAdagrad([table], ClosedFormAdamW(np.full(2, 0.5)))
    for _ in range(2):
        adagrad.read_rows(torch.tensor([1]))
        adagrad.step([torch.tensor([[3.0, 4.0]])])
    moved = [0.5 / np.sqrt(12.5) + 0.5 / np.sqrt(25.0)]
    assert table[1].tolist() == pytest.approx([-3 * moved[0], -4 * moved[0]])
    assert not table[[0, 2]].any()


def test_decay_of_absent_rows_is_what_every_step_would_have_taken() -> None:
    table = torch.ones(2, 1)
    rates = learning_rates(0.5, 10, 0.0)
    adagrad = RowwiseAdagrad([table], ClosedFormAdamW(rates, decay=0.1))
    for _ in range(10):
        adagrad.read_rows(torch.tensor([0]))
        adagrad.step([torch.zeros(1, 1)])
    assert table[1].item() == 1
    adagrad.flush()
    assert table[:, 0].tolist() == pytest.approx([np.prod(1 - 0.1 * rates)] * 2)
