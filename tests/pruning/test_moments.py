"""One further step after a cut is the step of the masked model, whatever the optimizer."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from torch.nn import functional

from secateur.contracts.errors import UsageError
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import build
from secateur.model.data.inputs import Inputs, Ragged
from secateur.model.optimization.optimizers import Memory, Optimization
from secateur.model.training.train import ALONE
from secateur.pruning.cuts.compaction import compact
from secateur.pruning.cuts.masking import mask, missing
from secateur.pruning.moments import compact_state
from secateur.pruning.units.calibration import Evidence
from secateur.pruning.units.rows import kept_rows, read_by
from secateur.scenario import Training

from .test_compaction import Case, cuts, every_id, random_model, rows_of

STEPS = 12
TABLES = ("embedding.weight", "first_order.weight")
Batch = tuple[Inputs, torch.Tensor]


def training_with(optimizer: str) -> Training:
    return Training(embedding_optimizer=optimizer, learning_rate=1e-2, embedding_weight_decay=1e-3)  # type: ignore[arg-type]


def batches(spec: ModelSpec, kept: Sequence[torch.Tensor], seed: int, count: int) -> list[Batch]:
    """Random rows, whose ids are of the `kept` rows, or OOV."""
    dice = torch.Generator().manual_seed(seed)

    def ids(block: int, n: int) -> torch.Tensor:
        found = torch.randint(0, spec.rows[block], (n,), generator=dice)
        return torch.where(torch.isin(found, kept[block]), found, spec.rows[block] - 1).int()

    made = []
    for _ in range(count):
        fields = torch.stack([ids(block, 40) for block in range(len(spec.fields))], 1)
        lists = []
        for one in spec.lists:
            offsets = torch.randint(0, 3, (40,), generator=dice).cumsum(0)
            offsets = functional.pad(offsets, (1, 0))
            lists.append(Ragged(ids(one.block, int(offsets[-1])), offsets))
        numbers = torch.randn(40, len(spec.numbers), generator=dice)
        vectors = torch.randn(40, spec.dense - len(spec.numbers), generator=dice)
        labels = torch.randint(0, 2, (40, 1 + len(spec.tasks)), generator=dice).float()
        made.append((Inputs(fields, numbers, vectors, tuple(lists)), labels))
    return made


def every_row(spec: ModelSpec) -> list[torch.Tensor]:
    return kept_rows(PruningPlan.of_everything(spec), spec)


def descended(
    model: Recommender, training: Training, memory: Memory | None, rows: list[Batch]
) -> Memory:
    """Take a step a batch; what is left."""
    optimization = Optimization(model, training, STEPS, ALONE, memory)
    for inputs, labels in rows:
        optimization.begin()
        scores = model.score(optimization.embed(inputs, inputs))
        functional.binary_cross_entropy_with_logits(scores, labels).backward()
        optimization.step()
    optimization.flush()
    steps = optimization.before + optimization.taken
    return Memory(model.state_dict(), optimization.moments(), steps)


def shared_rows(memory: Memory, spec: ModelSpec, plan: PruningPlan) -> Memory:
    """The OOV row stands for all that become it."""
    moments = dict(memory.moments)
    for name in [name for name in moments if name.startswith(TABLES)]:
        moment, start = moments[name].clone(), 0
        for rows, kept in zip(spec.rows, kept_rows(plan, spec), strict=True):
            block = moments[name][start : start + rows]
            moment[start + rows - 1] = block.sum(0) - block[kept].sum(0)
            start += rows
        moments[name] = moment
    return replace(memory, moments=moments)


def what_is_left(masked: Recommender, plan: PruningPlan, evidence: Evidence) -> Recommender:
    """The compact model of a masked one that has moved, as if what is masked had not."""
    spec = masked.spec
    with torch.no_grad():
        for place, name in enumerate(spec.fields):
            if name not in plan.inputs:
                rows = slice(
                    int(masked.offset[place]), int(masked.offset[place]) + spec.rows[place]
                )
                masked.embedding.weight[rows] = 0
                masked.first_order.weight[rows] = 0
    stands_for_all = tuple(np.eye(1, rows, rows - 1)[0] for rows in spec.rows)
    still = mask(
        masked, replace(plan, inputs=spec.inputs), replace(evidence, counts=stands_for_all)
    )
    return compact(still, plan)


@pytest.mark.parametrize("optimizer", ["adam", "lazy_adam", "rowwise_adagrad"])
@settings(max_examples=25, deadline=None)
@given(cuts())
def test_the_next_step_is_that_of_the_masked_model(optimizer: str, case: Case) -> None:
    spec, plan, evidence = case
    plan = replace(plan, linear=())
    if optimizer == "rowwise_adagrad":
        plan = replace(plan, dimensions=tuple(range(spec.embedding_dim)))
    training = training_with(optimizer)
    model = random_model(spec)
    memory = descended(model, training, None, batches(spec, every_row(spec), 1, STEPS - 1))
    ((inputs, labels),) = batches(spec, kept_rows(plan, spec), 2, 1)

    masked = mask(model, plan, evidence)
    seen = missing(inputs, spec, plan.inputs)
    descended(masked, training, shared_rows(memory, spec, plan), [(seen, labels)])
    expected = what_is_left(masked, plan, evidence)

    state = compact_state(memory, spec, plan, evidence)
    small = build(expected.spec)
    small.load_state_dict(state.weights)
    before = {name: weight.clone() for name, weight in small.state_dict().items()}
    descended(small, training, state, [(read_by(inputs, plan, spec, small.spec), labels)])
    for name, weight in expected.state_dict().items():
        assert torch.allclose(small.state_dict()[name], weight, atol=1e-5), name
    assert any(not torch.equal(before[name], small.state_dict()[name]) for name in before)


def test_weights_of_a_layer_that_becomes_linear_have_no_moments() -> None:
    spec = ModelSpec("deepfm", ("a",), (4,), 2, (3, 2))
    plan = replace(PruningPlan.of_everything(spec), linear=(0,))
    model = random_model(spec)
    memory = descended(model, training_with("adam"), None, batches(spec, every_row(spec), 1, 2))
    evidence = Evidence((np.ones(4, np.int64),), rows_of(every_id(spec)))
    with pytest.raises(UsageError, match=r"layers \(0,\) become linear"):
        compact_state(memory, spec, plan, evidence)
