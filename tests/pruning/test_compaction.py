"""A compacted model scores exactly like the masked one, whatever the shapes and the cut."""

from dataclasses import replace

import numpy as np
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from random_models import has_inputs, random_model, specs
from secateur.contracts.candidates import Step
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.registry import build, groups_of
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs, Ragged
from secateur.pruning.cuts.compaction import compact, compact_spec
from secateur.pruning.cuts.masking import mask
from secateur.pruning.cuts.selection import choose_units
from secateur.pruning.importance import fields
from secateur.pruning.importance.neurons import hidden_layers
from secateur.pruning.units.calibration import CalibrationData
from secateur.pruning.units.masks import pack_mask
from secateur.pruning.units.table_rows import inputs_after_cut

NO_ROWS = Split(
    Inputs.of_ids(torch.zeros(0, 1, dtype=torch.int32)),
    torch.zeros(0),
    np.zeros(0, "datetime64[D]"),
)


def every_id(spec: ModelSpec) -> Inputs:
    """Inputs in which every row of every field and list occurs; the first lists are empty."""
    n, fields = max(spec.rows), len(spec.fields)
    ids = torch.stack([torch.arange(n) % height for height in spec.rows[:fields]], dim=1).int()
    lists = tuple(
        Ragged((torch.arange(n * (n - 1) // 2) % spec.rows[one.block]).int(), triangle(n))
        for one in spec.lists
    )
    numbers = torch.randn(n, len(spec.numbers))
    return Inputs(ids, numbers, torch.randn(n, spec.dense - len(spec.numbers)), lists)


def triangle(n: int) -> torch.Tensor:
    """Offsets of n lists of 0, 1, 2 ... values."""
    return torch.cat([torch.zeros(1, dtype=torch.int64), torch.arange(n).cumsum(0)])


Case = tuple[ModelSpec, PruningPlan, CalibrationData]


@st.composite
def cuts(draw: st.DrawFn) -> Case:
    spec = draw(specs())

    def kept(units: int) -> tuple[int, ...]:
        return tuple(sorted(draw(st.sets(st.integers(0, units - 1), min_size=1)))) if units else ()

    stay = [draw(masks(height - 1)) for height in spec.rows]
    heights = tuple(1 + int(mask.sum()) for mask in stay)
    counts = tuple(
        np.array(draw(st.lists(st.integers(0, 9), min_size=h, max_size=h))) for h in spec.rows
    )
    hidden, widths = spec.hidden, (*spec.hidden, *spec.second)
    may = [i for i, free in enumerate(groups_of(build(spec)).may_be_linear()) if free]
    linear = draw(st.lists(st.sampled_from(may), unique=True)) if may else []
    for first, last in ((0, len(hidden)), (len(hidden), len(widths))):
        if last > first and set(range(first, last)) <= set(linear):
            linear.remove(first)
    plan = PruningPlan(
        draw(inputs_kept(spec)),
        heights,
        kept(spec.embedding_dim),
        tuple(kept(width) for width in widths),
        tuple(sorted(linear)),
        rows=tuple("" if mask[: int(mask.sum())].all() else pack_mask(mask) for mask in stay),
    )
    assume(has_inputs(compact_spec(spec, plan)))
    return spec, plan, CalibrationData(counts, rows_of(every_id(spec)))


@st.composite
def masks(draw: st.DrawFn, values: int) -> torch.Tensor:
    """Which of a block's values stay: the first ones, or any."""
    if draw(st.booleans()):
        return torch.arange(values) < draw(st.integers(0, values))
    return torch.tensor([draw(st.booleans()) for _ in range(values)], dtype=torch.bool)


@st.composite
def inputs_kept(draw: st.DrawFn, spec: ModelSpec) -> tuple[str, ...]:
    """Some of the inputs, of those that may go, with a field."""
    free = [name for name, may in zip(spec.inputs, fields.prunable(spec), strict=True) if may]
    gone = set(draw(st.lists(st.sampled_from(free), unique=True))) if free else set()
    left = tuple(name for name in spec.inputs if name not in gone)
    assume(any(name in spec.fields for name in left))
    return left


def rows_of(inputs: Inputs) -> Split:
    """Rows of these inputs, every other of which was clicked."""
    return Split(
        inputs, (torch.arange(len(inputs)) % 2).float(), np.zeros(len(inputs), "datetime64[D]")
    )


@settings(max_examples=100, deadline=None)
@given(cuts())
def test_compacted_scores_like_masked(case: Case) -> None:
    spec, cut, calibration = case
    masked = mask(random_model(spec), cut, calibration)
    small = compact(masked, cut)
    rows = every_id(spec)
    with torch.no_grad():
        expected = masked(rows, tasks=True)
        found = small(inputs_after_cut(rows, cut, spec, small.spec), tasks=True)
    assert torch.allclose(found, expected, atol=1e-5, rtol=1e-4)
    assert small.spec.inputs == cut.inputs
    kept = sum(small.spec.rows) + small.spec.dense
    assert small.embedding.weight.shape == (kept, len(cut.dimensions))
    assert found.shape == (len(rows), 1 + len(spec.tasks))
    widths = [layer.weight.shape[0] for layer in hidden_layers(small)]
    assert widths == [len(n) for i, n in enumerate(cut.neurons) if i not in cut.linear]


@settings(max_examples=30, deadline=None)
@given(cuts())
def test_the_model_that_was_cut_is_left_as_it_was(case: Case) -> None:
    spec, cut, calibration = case
    model = random_model(spec)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    compact(mask(model, cut, calibration), cut)
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_cutting_nothing_changes_nothing() -> None:
    spec = ModelSpec("deepfm", ("a", "b"), (4, 6), 3, (5, 4))
    model, everything = random_model(spec), PruningPlan.of_everything(spec)
    calibration = CalibrationData((np.ones(4), np.ones(6)), NO_ROWS)
    same = compact(mask(model, everything, calibration), everything)
    assert all(
        torch.equal(value, same.state_dict()[name]) for name, value in model.state_dict().items()
    )


def test_a_removed_neuron_takes_away_exactly_its_contribution() -> None:
    spec = ModelSpec("deepfm", ("a", "b"), (4, 6), 3, (5,))
    model, ids = random_model(spec), every_id(ModelSpec("deepfm", ("a", "b"), (4, 6), 3, (5,)))
    cut = PruningPlan(spec.inputs, spec.rows, (0, 1, 2), ((0, 1, 3, 4),))
    small = compact(mask(model, cut, CalibrationData((None, None), NO_ROWS)), cut)
    hidden, output = model.tower.layers
    with torch.no_grad():
        embedded = model.embed(ids).flat
        activation = torch.relu(embedded @ hidden.weight[2] + hidden.bias[2])
        expected = model(ids) - activation * output.weight[0, 2]
        assert torch.allclose(small(ids), expected, atol=1e-5)


def test_a_constant_neuron_is_folded_into_the_next_bias() -> None:
    spec = ModelSpec("deepfm", ("a",), (4,), 3, (3, 2))
    model, ids = random_model(spec), every_id(ModelSpec("deepfm", ("a",), (4,), 3, (3, 2)))
    first = model.tower.layers[0]
    with torch.no_grad():
        first.weight[1] = 0
        first.bias[1] = 0.7
        small = compact(model, PruningPlan(("a",), (4,), (0, 1, 2), ((0, 2), (0, 1))))
        assert torch.allclose(small(ids), model(ids), atol=1e-6)


def test_cut_rows_share_the_mean_of_what_training_saw() -> None:
    spec = ModelSpec("deepfm", ("a",), (4,), 2, (3,))
    model = random_model(spec)
    cut = PruningPlan(("a",), (2,), (0, 1), ((0, 1, 2),))
    small = compact(mask(model, cut, CalibrationData((np.array([9, 3, 2, 1]),), NO_ROWS)), cut)
    rows = model.embedding.weight.detach()
    mean = (3 * rows[1] + 2 * rows[2] + 1 * rows[3]) / 6
    assert torch.allclose(small.embedding.weight[1], mean, atol=1e-6)
    assert torch.equal(small.embedding.weight[0], rows[0])


def test_rows_that_training_never_saw_leave_the_oov_row_alone() -> None:
    spec = ModelSpec("deepfm", ("a",), (4,), 2, (3,))
    model = random_model(spec)
    cut = PruningPlan(("a",), (2,), (0, 1), ((0, 1, 2),))
    small = compact(mask(model, cut, CalibrationData((np.array([9, 0, 0, 0]),), NO_ROWS)), cut)
    assert torch.equal(small.embedding.weight[1], model.embedding.weight[3])


def test_zeroed_weights_are_the_smallest_and_no_shape_changes() -> None:
    spec = ModelSpec("deepfm", ("a", "b"), (4, 6), 3, (5, 4))
    model, calibration = random_model(spec), CalibrationData((None, None), NO_ROWS)
    plan = choose_units(Step("weight", "magnitude", keep=0.2), model, calibration)
    sparse = compact(mask(model, plan, calibration), plan)
    before = torch.cat([layer.weight.flatten() for layer in model.tower.layers])
    after = torch.cat([layer.weight.flatten() for layer in sparse.tower.layers])
    kept = after != 0
    assert kept.sum() == round(0.2 * len(before))
    assert before[kept].abs().min() > before[~kept].abs().max()
    assert torch.equal(before[kept], after[kept])
    assert sparse.spec == model.spec


def test_a_constant_field_can_go_without_a_trace() -> None:
    """The mean row of a field meets others in pairs and in the tower: all of it is taken in."""
    spec = ModelSpec("deepfm", ("a", "b"), (4, 6), 3, (5,), numbers=("n",))
    model, rows = random_model(spec), every_id(spec)
    with torch.no_grad():
        for table in (model.embedding.weight, model.first_order.weight):
            table[4:10] = table[4]
    plan = replace(PruningPlan.of_everything(spec), inputs=("a", "n"))
    calibration = CalibrationData((None, None), rows_of(rows))
    small = compact(mask(model, plan, calibration), plan)
    with torch.no_grad():
        found = small(inputs_after_cut(rows, plan, spec, small.spec))
        assert torch.allclose(found, model(rows), atol=1e-5)
    assert small.spec.rows == (4,)


def test_a_linear_layer_whose_neurons_all_act_can_go_without_a_trace() -> None:
    spec = ModelSpec("deepfm", ("a", "b"), (4, 6), 3, (5, 4))
    model, rows = random_model(spec), every_id(spec)
    with torch.no_grad():
        model.tower.layers[0].bias += 10
    plan = replace(PruningPlan.of_everything(spec), linear=(0,))
    calibration = CalibrationData((None, None), rows_of(rows))
    small = compact(mask(model, plan, calibration), plan)
    assert small.spec.hidden == (4,)
    with torch.no_grad():
        assert torch.allclose(small(rows), model(rows), atol=1e-3)
