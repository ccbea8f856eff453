"""Modules that are not ours: an MLP and a small CNN, pruned, replayed, fine-tuned and exported."""

import copy
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
import torch_pruning
from torch import Tensor, nn
from torch.nn import functional

from foreign_modules import MAKERS, Data, accuracy, fit, perceptron, rings
from secateur.contracts import record
from secateur.contracts.errors import UsageError
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.registry import build
from secateur.model.data.inputs import Inputs
from secateur.pruning.cuts.compaction import compact
from secateur.pruning.cuts.masking import mask
from secateur.pruning.torch_pruning_adapter import (
    ModulePlan,
    ModuleRecipe,
    Size,
    apply_module_plan,
    prune_module,
    size_of,
)
from secateur.pruning.units.calibration import CalibrationData

LOST = 0.03  # of accuracy at most, at half the units, after as many steps as training took


@pytest.fixture(scope="module")
def trained() -> dict[str, nn.Module]:
    found = {}
    for kind, (make, data) in MAKERS.items():
        torch.manual_seed(0)
        found[kind] = make()
        fit(found[kind], data)
    return found


def example(kind: str) -> tuple[Tensor]:
    return (MAKERS[kind][1](5, 3)[0],)


def loss_on(data: Data) -> Callable[[nn.Module], Tensor]:
    inputs, labels = data(500, 4)
    return lambda module: functional.cross_entropy(module(inputs), labels)


KINDS = pytest.mark.parametrize("kind", MAKERS)


@KINDS
@pytest.mark.parametrize("criterion", ["l1", "l2", "taylor", "random"])
def test_every_hidden_layer_keeps_the_share_and_the_outputs_stay(
    trained: dict[str, nn.Module], kind: str, criterion: str
) -> None:
    loss = loss_on(MAKERS[kind][1]) if criterion == "taylor" else None
    small, plan = prune_module(trained[kind], example(kind), ModuleRecipe(0.5, criterion), loss)
    widths = {
        name: len(layer.weight)
        for name, layer in small.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d)
    }
    expected: dict[str, dict[str, int]] = {
        "mlp": {"0": 16, "2": 12, "4": 3},
        "cnn": {"stem": 4, "first": 6, "second": 4, "last": 5, "head": 3},
    }
    assert widths == expected[kind]
    with torch.no_grad():
        assert small(*example(kind)).shape == (5, 3)
    assert plan.after == size_of(small, example(kind))


def test_parameters_and_multiply_adds_are_counted() -> None:
    small, plan = prune_module(perceptron(), (torch.zeros(10, 2),), ModuleRecipe(0.25))
    assert plan.before == Size(3 * 32 + 33 * 24 + 25 * 3, 10 * (2 * 32 + 32 * 24 + 24 * 3))
    assert plan.after == Size(3 * 8 + 9 * 6 + 7 * 3, 10 * (2 * 8 + 8 * 6 + 6 * 3))
    assert sum(weight.numel() for weight in small.parameters()) == plan.after.parameters


@KINDS
def test_a_plan_is_json_and_gives_the_same_bytes_again(
    trained: dict[str, nn.Module], kind: str
) -> None:
    before = {name: tensor.clone() for name, tensor in trained[kind].state_dict().items()}
    small, plan = prune_module(trained[kind], example(kind), ModuleRecipe(0.4))
    read = record.from_json(ModulePlan, record.dump(plan))
    assert read == plan
    again = apply_module_plan(copy.deepcopy(trained[kind]), example(kind), read)
    for name, tensor in small.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name
    for name, tensor in trained[kind].state_dict().items():
        assert torch.equal(before[name], tensor), name


def test_the_plan_names_what_a_skip_couples(trained: dict[str, nn.Module]) -> None:
    _, plan = prune_module(trained["cnn"], example("cnn"), ModuleRecipe(0.5))
    coupled = {removal.layer: set(removal.coupled) for removal in plan.removals}
    assert len(coupled) == 3
    (around,) = [name for name in coupled if name in ("stem", "second")]
    other = "second" if around == "stem" else "stem"
    assert coupled[around] == {"norm", "first", other, "second_norm", "last"}
    assert coupled["first"] == {"first_norm", "second"}
    assert coupled["last"] == {"head"}


@KINDS
def test_accuracy_comes_back_with_fine_tuning(trained: dict[str, nn.Module], kind: str) -> None:
    data = MAKERS[kind][1]
    small, plan = prune_module(
        trained[kind], example(kind), ModuleRecipe(0.5, "taylor"), loss_on(data)
    )
    assert plan.after.parameters < 0.4 * plan.before.parameters
    fit(small, data)
    assert accuracy(trained[kind], data) > 0.9
    assert accuracy(small, data) > accuracy(trained[kind], data) - LOST


@KINDS
def test_units_that_do_nothing_go_first_and_nothing_else_changes(
    trained: dict[str, nn.Module], kind: str
) -> None:
    """Half of the units are silenced; what is left gives the same scores."""
    module = copy.deepcopy(trained[kind])
    layer, norm, reader = {"mlp": ("0", "0", "2"), "cnn": ("first", "first_norm", "second")}[kind]
    with torch.no_grad():
        for name in (layer, norm):
            for weight in module.get_submodule(name).parameters():
                weight[1::2] = 0
        module.get_submodule(reader).weight[:, 1::2] = 0
    everything = [name for name, _ in module.named_modules() if name]
    others = [name for name in everything if name not in (layer, norm)]
    small, plan = prune_module(module, example(kind), ModuleRecipe(0.5, spared=others))
    assert [removal.outputs[:3] for removal in plan.removals] == [(1, 3, 5)]
    with torch.no_grad():
        assert torch.allclose(small(*example(kind)), module(*example(kind)), atol=1e-5)


@KINDS
def test_what_is_exported_scores_alike(
    trained: dict[str, nn.Module], kind: str, tmp_path: Path
) -> None:
    small, _ = prune_module(trained[kind], example(kind), ModuleRecipe(0.5))
    path = tmp_path / "small.onnx"
    torch.onnx.export(small.eval(), example(kind), path, dynamo=True, verbose=False)
    session = onnxruntime.InferenceSession(path)
    (found,) = session.run(None, {session.get_inputs()[0].name: example(kind)[0].numpy()})
    with torch.no_grad():
        assert np.abs(found - small(*example(kind)).numpy()).max() < 1e-5


def test_modes_and_frozen_weights_stay_what_they_were(trained: dict[str, nn.Module]) -> None:
    module = copy.deepcopy(trained["cnn"]).train()
    module.get_submodule("norm").eval()
    module.get_submodule("stem").requires_grad_(False)
    small, _ = prune_module(module, example("cnn"), ModuleRecipe(0.5))
    for part in (module, small):
        assert part.training
        assert not part.get_submodule("norm").training
        frozen = [name for name, weight in part.named_parameters() if not weight.requires_grad]
        assert frozen == ["stem.weight", "stem.bias"]
        assert all(weight.grad is None for weight in part.parameters())


def test_slices_of_a_grouped_convolution_lose_alike() -> None:
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Conv2d(1, 16, 3),
        nn.GroupNorm(4, 16),
        nn.ReLU(),
        nn.Conv2d(16, 8, 3, groups=2),
        nn.Conv2d(8, 8, 1, groups=8),
        nn.Flatten(),
        nn.Linear(8 * 16, 2),
    )
    picture = (torch.randn(2, 1, 8, 8),)
    small, plan = prune_module(module, picture, ModuleRecipe(0.5))
    first = next(removal.outputs for removal in plan.removals if removal.layer == "0")
    assert [sum(4 * k <= unit < 4 * k + 4 for unit in first) for k in range(4)] == [2] * 4
    assert small(*picture).shape == (2, 2)
    assert small.get_submodule("3").weight.shape == (4, 4, 3, 3)
    assert small.get_submodule("4").weight.shape == (4, 1, 1, 1)


@pytest.mark.parametrize(
    ("keep", "criterion", "loss", "spared", "message"),
    [
        (0.5, "l2", None, ("0", "2"), "changes nothing"),
        (0.999, "l2", None, (), "changes nothing"),
        (0.0, "l2", None, (), "not within 0..1"),
        (0.5, "frequency", None, (), "not by frequency"),
        (0.5, "taylor", None, (), "needs a loss"),
        (0.5, "l1", loss_on(rings), (), "no other criterion"),
    ],
)
def test_what_makes_no_sense_is_refused(
    keep: float,
    criterion: str,
    loss: Callable[[nn.Module], Tensor] | None,
    spared: tuple[str, ...],
    message: str,
) -> None:
    with pytest.raises(UsageError, match=message):
        prune_module(
            perceptron(), example("mlp"), ModuleRecipe(keep, criterion, spared=spared), loss
        )


def test_a_weight_of_two_layers_is_refused() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 4), nn.Linear(4, 1))
    module[2].weight = module[0].weight
    with pytest.raises(UsageError, match=r"share a weight: \['2.weight'\]"):
        prune_module(module, (torch.zeros(1, 4),), ModuleRecipe(0.5))


class Inside(nn.Module):
    """Gives what it found on the way, too."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(2, 8)
        self.head = nn.Linear(8, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found = self.body(x)
        return self.head(found), found


def test_an_output_that_would_shrink_is_refused() -> None:
    with pytest.raises(UsageError, match="name layers to spare"):
        prune_module(Inside(), (torch.zeros(1, 2),), ModuleRecipe(0.5))


def test_a_plan_fits_only_a_module_built_alike() -> None:
    _, plan = prune_module(perceptron(), example("mlp"), ModuleRecipe(0.5))
    wider = nn.Sequential(nn.Linear(2, 40), nn.ReLU(), nn.Linear(40, 3))
    with pytest.raises(UsageError, match="the plan is for"):
        apply_module_plan(wider, example("mlp"), plan)
    first, *rest = plan.removals
    for change, message in (
        ({"coupled": ("other",)}, "the plan couples"),
        ({"layer": "other"}, "which this module has not"),
    ):
        other = replace(plan, removals=(replace(first, **change), *rest))
        with pytest.raises(UsageError, match=message):
            apply_module_plan(perceptron(), example("mlp"), other)


@pytest.mark.parametrize("neurons", [((0, 2, 3), (1,)), ((4,), (0, 1, 2)), ((1, 2), (0, 2))])
def test_our_own_surgery_cuts_a_tower_as_torch_pruning_does(
    neurons: tuple[tuple[int, ...], tuple[int, ...]],
) -> None:
    torch.manual_seed(1)
    spec = ModelSpec("deepfm", ("a", "b"), (7, 5), 3, (5, 3))
    model = build(spec).eval()
    for weight in model.parameters():
        nn.init.normal_(weight, std=0.5)
    ids = torch.stack([torch.arange(35) % 7, torch.arange(35) % 5], dim=1).int()
    read = model.embed(Inputs.of_ids(ids)).flat.detach()
    plan = replace(PruningPlan.of_everything(spec), neurons=neurons)
    ours = compact(mask(model, plan, CalibrationData((None, None), None)), plan).tower  # type: ignore[arg-type]
    theirs = copy.deepcopy(model.tower)
    graph = torch_pruning.DependencyGraph().build_dependency(theirs, read)
    for layer, kept, width in zip(theirs.layers, neurons, spec.hidden, strict=False):
        gone = [unit for unit in range(width) if unit not in kept]
        graph.get_pruning_group(layer, torch_pruning.prune_linear_out_channels, gone).prune()
    with torch.no_grad():
        assert torch.allclose(ours(read), theirs(read), atol=1e-6)
    for mine, other in zip(ours.layers, theirs.layers, strict=True):
        assert torch.equal(mine.weight, other.weight)
