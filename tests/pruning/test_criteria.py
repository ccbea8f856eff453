import numpy as np
import torch
from torch.nn import functional

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs
from secateur.pruning.importance import embeddings, neurons
from secateur.pruning.units.calibration import CalibrationData

NOTHING = CalibrationData(
    (None, None),
    Split(Inputs.of_ids(torch.zeros(0, 2).int()), torch.zeros(0), np.zeros(0, "datetime64[D]")),
)


def taylor(model: DeepFM, split: Split) -> tuple[torch.Tensor, ...]:
    return neurons.taylor(model, CalibrationData((None, None), split))


def sample(hidden: tuple[int, ...], rows: int = 300) -> tuple[DeepFM, Split]:
    torch.manual_seed(3)
    model = DeepFM(ModelSpec("deepfm", ("a", "b"), (7, 5), 3, hidden)).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.6)
    ids = torch.stack([torch.randint(0, 7, (rows,)), torch.randint(0, 5, (rows,))], dim=1).int()
    days = np.zeros(rows, "datetime64[D]")
    return model, Split(Inputs.of_ids(ids), torch.randint(0, 2, (rows,)).float(), days)


def test_taylor_of_one_layer_is_activation_times_outgoing_weight_times_error() -> None:
    model, split = sample((6,))
    hidden, output = model.tower.layers
    with torch.no_grad():
        embedded = model.embed(split.inputs).flat
        activation = torch.relu(hidden(embedded))
        error = torch.sigmoid(model(split.inputs)) - split.labels
        expected = (activation * output.weight[0] * error[:, None]).abs().sum(dim=0)
    (found,) = taylor(model, split)
    assert torch.allclose(found, expected, rtol=1e-4)


def test_taylor_does_not_depend_on_the_batches() -> None:
    model, split = sample((6, 4), rows=neurons.BATCH + 100)
    whole = taylor(model, split)
    first, second = (
        split.take(np.arange(len(split)) < 1000),
        split.take(np.arange(len(split)) >= 1000),
    )
    parts = zip(taylor(model, first), taylor(model, second), strict=True)
    for layer, (a, b) in zip(whole, parts, strict=True):
        assert torch.allclose(layer, a + b, rtol=1e-3)


def test_taylor_foretells_the_loss_of_silencing_a_neuron_that_hardly_acts() -> None:
    model, split = sample((6, 4))
    output = model.tower.layers[2]
    with torch.no_grad():
        output.weight[0, 1] *= 1e-3
    scores = taylor(model, split)[1]
    assert 0 < scores[1] < scores[0] / 1000
    with torch.no_grad():
        before = functional.binary_cross_entropy_with_logits(model(split.inputs), split.labels)
        output.weight[0, 1] = 0
        after = functional.binary_cross_entropy_with_logits(model(split.inputs), split.labels)
    assert abs(after - before) * len(split) <= scores[1] * 1.1


def test_taylor_leaves_no_gradient_and_no_hook_behind() -> None:
    model, split = sample((6, 4))
    taylor(model, split)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert not any(layer._forward_pre_hooks for layer in model.tower.layers)


def test_l2_is_the_length_of_the_incoming_weights() -> None:
    model, _ = sample((2,))
    with torch.no_grad():
        model.tower.layers[0].weight[0] = torch.tensor([3.0, 4.0, 0, 0, 0, 0])
    assert neurons.l2(model, NOTHING)[0][0] == 5


def test_a_dimension_of_zeros_is_the_least_important() -> None:
    model, _ = sample((2,))
    with torch.no_grad():
        model.embedding.weight[:, 1] = 0
    assert embeddings.dimension_l2(model, NOTHING)[0].argmin() == 1
    assert embeddings.dimension_l2(model, NOTHING)[0][1] == 0
