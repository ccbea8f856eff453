import torch

from secateur.contracts.models import ModelSpec
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.architectures.factorization_machine.network import interactions
from secateur.model.architectures.registry import new_model
from secateur.model.data.inputs import Inputs

from .conftest import SCHEMA, TRAINING

SPEC = ModelSpec("deepfm", ("a", "b", "c"), (5, 3, 4), 6, (8, 7))


def randomised(spec: ModelSpec) -> DeepFM:
    model = DeepFM(spec).eval()
    generator = torch.Generator().manual_seed(0)
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5, generator=generator)
    return model


def test_interactions_are_the_dot_products_of_all_field_pairs() -> None:
    embedded = torch.randn(9, 5, 3, dtype=torch.float64)
    expected = torch.zeros(9, dtype=torch.float64)
    for i in range(5):
        for j in range(i + 1, 5):
            expected += (embedded[:, i] * embedded[:, j]).sum(dim=1)
    assert torch.allclose(interactions(embedded), expected)


def test_score_is_the_sum_of_the_papers_parts() -> None:
    model = randomised(SPEC)
    ids = (4, 0, 2)
    at = [offset + i for offset, i in zip((0, 5, 8), ids, strict=True)]
    vectors = [model.embedding.weight[row] for row in at]
    pairs = vectors[0] @ vectors[1] + vectors[0] @ vectors[2] + vectors[1] @ vectors[2]
    linear = sum(model.first_order.weight[row, 0] for row in at)
    first, second, last = model.tower.layers
    x = torch.cat(vectors)
    x = torch.relu(first.weight @ x + first.bias)
    x = torch.relu(second.weight @ x + second.bias)
    expected = model.bias + linear + pairs + last.weight @ x + last.bias
    found = model(Inputs.of_ids(torch.tensor([ids], dtype=torch.int32)))
    assert torch.allclose(found, expected, atol=1e-6)


def test_ids_beyond_a_cut_table_are_read_as_oov() -> None:
    model = randomised(SPEC)
    beyond = torch.tensor([[7, 0, 100], [4, 2, 3]], dtype=torch.int32)
    as_oov = torch.tensor([[4, 0, 3], [4, 2, 3]], dtype=torch.int32)
    assert torch.equal(model(Inputs.of_ids(beyond)), model(Inputs.of_ids(as_oov)))


def test_new_model_has_a_row_for_every_id_and_is_drawn_by_its_seed_alone() -> None:
    torch.manual_seed(1)
    first = new_model(SCHEMA, TRAINING, seed=3)
    torch.manual_seed(2)
    again, other = new_model(SCHEMA, TRAINING, seed=3), new_model(SCHEMA, TRAINING, seed=4)
    assert first.spec.rows == (41, 31, 5)
    assert torch.equal(first.embedding.weight, again.embedding.weight)
    assert not torch.equal(first.embedding.weight, other.embedding.weight)
