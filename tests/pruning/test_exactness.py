"""What a cut model is, however it came to be: constants folded, norms folded, stored, exported."""

import copy
from dataclasses import replace
from tempfile import TemporaryDirectory

import numpy as np
import onnxruntime
import torch
from hypothesis import given, settings

from random_models import random_model
from secateur import artifacts
from secateur.contracts.candidates import Recipe
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import PruningPlan
from secateur.model.architectures.recommender import Recommender
from secateur.model.bundle import load_bundle, save_bundle
from secateur.model.data.inputs import Inputs, Ragged
from secateur.packaging.graph.build import build_graph
from secateur.packaging.graph.take_apart import parts_of
from secateur.pruning.cuts.compaction import compact
from secateur.pruning.cuts.masking import mask
from secateur.pruning.importance.neurons import hidden_layers
from secateur.pruning.units.table_rows import inputs_after_cut

from .test_compaction import Case, cuts, every_id


def silent(plan: PruningPlan, spec: ModelSpec) -> list[list[int]]:
    """Of every hidden layer the neurons that go."""
    widths = (*spec.hidden, *spec.second)
    return [sorted({*range(n)} - {*kept}) for n, kept in zip(widths, plan.neurons, strict=True)]


def scores(model: Recommender, inputs: Inputs) -> torch.Tensor:
    with torch.no_grad():
        return model.eval()(inputs, tasks=True)


def close(found: torch.Tensor, expected: torch.Tensor) -> bool:
    """To 1e-5 of their size: norms make some scores large."""
    return torch.allclose(found, expected, rtol=1e-5, atol=1e-5 * (1 + float(expected.abs().max())))


@settings(max_examples=50, deadline=None)
@given(cuts())
def test_constants_of_neurons_that_go_are_folded_into_the_next_bias(case: Case) -> None:
    spec, plan, _ = case
    neurons = list(plan.neurons)
    if spec.second:  # a FinalMLP's last neurons meet in products, where masking leaves 0
        for last, width in ((len(spec.hidden) - 1, spec.hidden[-1]), (-1, spec.second[-1])):
            neurons[last] = tuple(range(width))
    plan = replace(PruningPlan.of_everything(spec), neurons=tuple(neurons))
    model = random_model(spec)
    with torch.no_grad():
        for layer, gone in zip(hidden_layers(model), silent(plan, spec), strict=True):
            layer.weight[gone] = 0
    inputs = every_id(spec)
    assert close(scores(compact(model, plan), inputs), scores(model, inputs))


def normalised_model(spec: ModelSpec) -> Recommender:
    """Random weights, norms and running moments."""
    model = random_model(spec)
    for tower in model.towers:
        tower.normalize()
        for norm in tower.norms:
            torch.nn.init.normal_(norm.weight)
            torch.nn.init.normal_(norm.bias)
            torch.nn.init.normal_(norm.running_mean)
            torch.nn.init.uniform_(norm.running_var, 0.5, 2.0)
    return model.eval()


@settings(max_examples=50, deadline=None)
@given(cuts())
def test_batch_norm_is_folded_before_a_cut(case: Case) -> None:
    spec, plan, calibration = case
    model, inputs = normalised_model(spec), every_id(spec)
    plan = replace(plan, linear=())
    masked = mask(model, plan, calibration)
    norms = [norm for tower in masked.towers for norm in tower.norms]
    with torch.no_grad():
        for norm, gone in zip(norms, silent(plan, spec), strict=True):
            norm.weight[gone] = 0
            norm.bias[gone] = 0
    expected = scores(masked, inputs)

    folded = copy.deepcopy(model)
    for tower in folded.towers:
        tower.fold()
    small = compact(mask(folded, plan, calibration), plan)
    left = inputs_after_cut(inputs, plan, spec, small.spec)
    assert close(scores(small, left), expected)


@settings(max_examples=50, deadline=None)
@given(cuts())
def test_a_cut_model_scores_alike_once_stored_and_once_exported(case: Case) -> None:
    spec, plan, calibration = case
    masked, inputs = mask(random_model(spec), plan, calibration), every_id(spec)
    small = compact(masked, plan)
    expected = torch.sigmoid(scores(masked, inputs))[:, 0].numpy()
    with TemporaryDirectory() as folder, artifacts.create(f"{folder}/b", "ModelBundle") as draft:
        save_bundle(draft, small)
        draft.seal(MadeBy("test", "0"), {}, {})
        stored = load_bundle(artifacts.open_artifact(f"{folder}/b", "ModelBundle"))
    assert stored.spec == small.spec
    left = inputs_after_cut(inputs, plan, spec, small.spec)
    assert torch.equal(scores(stored, left), scores(small, left))
    assert np.abs(exported(stored, left) - expected).max() < 1e-5


def exported(model: Recommender, inputs: Inputs) -> np.ndarray:
    """Probabilities by the package's graph."""
    parts = parts_of(model, Recipe("r"), inputs)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    table = onnxruntime.OrtValue.ortvalue_from_numpy(parts.table.rows)
    options.add_external_initializers(["table"], [table])
    session = onnxruntime.InferenceSession(build_graph(parts), options)
    feed = {"ids": inputs.ids.numpy()}
    feed |= {"numbers": inputs.numbers.numpy()} if model.spec.numbers else {}
    feed |= {"vectors": inputs.vectors.numpy()} if model.spec.vectors else {}
    for one, ragged in zip(model.spec.lists, inputs.lists, strict=True):
        feed[f"list_{one.name}"] = padded(ragged)
    return np.asarray(session.run(["probability"], feed)[0])


def padded(ragged: Ragged) -> np.ndarray:
    rows = [row.tolist() for row in torch.tensor_split(ragged.values, ragged.offsets[1:-1])]
    longest = max(map(len, rows))
    return np.array([row + [-1] * (longest - len(row)) for row in rows], np.int32)
