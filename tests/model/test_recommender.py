"""Inputs of every kind, against plain Python loops over the same rows."""

import itertools
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from all_kinds import DAYS, SCHEMA, sealed_features
from secateur.artifacts import Artifact, create, open_artifact
from secateur.contracts import record
from secateur.contracts.errors import ArtifactError, CorruptArtifact
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import ModelSpec
from secateur.model.architectures.registry import build, new_model, spec_of
from secateur.model.bundle import load_bundle, save_bundle
from secateur.model.data.batches import _vectors, load_split, split_holdout
from secateur.model.data.inputs import Inputs, Ragged
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext
from secateur.scenario import Training

TRAINING = Training(embedding_dim=4, hidden=(32, 16), learning_rate=5e-3, batch_size=64)
lists = st.lists(st.lists(st.integers(0, 9), max_size=4), min_size=1, max_size=9)


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return sealed_features(tmp_path_factory.mktemp("features"))


def ragged(rows: list[list[int]]) -> Ragged:
    values = [value for row in rows for value in row]
    offsets = np.cumsum([0, *map(len, rows)])
    return Ragged(torch.tensor(values, dtype=torch.int32), torch.as_tensor(offsets))


def unragged(found: Ragged) -> list[list[int]]:
    ends = found.offsets.tolist()
    return [found.values[a:b].tolist() for a, b in itertools.pairwise(ends)]


@given(lists, st.data())
def test_lists_are_taken_and_sliced_like_lists(rows: list[list[int]], data: st.DataObject) -> None:
    at = data.draw(st.lists(st.integers(0, len(rows) - 1)))
    start = data.draw(st.integers(0, len(rows)))
    end = data.draw(st.integers(start, len(rows)))
    taken = ragged(rows).take(torch.tensor(at, dtype=torch.int64))
    assert unragged(taken) == [rows[i] for i in at]
    assert unragged(ragged(rows).slice(start, end)) == rows[start:end]


def test_a_split_holds_every_kind_as_its_files_do(kinds: Artifact) -> None:
    inputs = load_split(kinds, "train").inputs
    paths = sorted((kinds.folder / "train").iterdir())
    rows = pa.concat_tables(pq.read_table(path) for path in paths).to_pylist()
    assert inputs.ids.tolist() == [[row[f.name] for f in SCHEMA.fields] for row in rows]
    assert inputs.numbers.tolist() == [[row[f.name] for f in SCHEMA.numbers] for row in rows]
    assert inputs.vectors.tolist() == [row["title"] + row["place"] for row in rows]
    for field, column in zip(SCHEMA.lists, inputs.lists, strict=True):
        assert unragged(column) == [row[field.name] for row in rows]


def test_a_holdout_keeps_every_kind_beside_its_row(kinds: Artifact) -> None:
    whole = load_split(kinds, "train")
    parts = split_holdout(whole, 1)
    assert len(parts[1]) == len(whole) // len(DAYS["train"])
    for column in range(len(SCHEMA.lists)):
        together = [row for part in parts for row in unragged(part.inputs.lists[column])]
        assert together == unragged(whole.inputs.lists[column])
    assert torch.equal(torch.cat([part.inputs.numbers for part in parts]), whole.inputs.numbers)


def test_a_null_list_is_empty_and_a_vector_of_another_length_is_refused() -> None:
    table = pa.table({"v": pa.array([[1.0, 2.0], None], pa.list_(pa.float32()))})
    with pytest.raises(ArtifactError, match="not every v holds the 2 numbers"):
        _vectors(table, "v", 2)


def test_the_table_has_a_block_a_vocabulary_and_a_row_a_number() -> None:
    spec = spec_of(SCHEMA, TRAINING)
    assert spec.rows == (13, 21, 4, 6, 3)
    assert [one.block for one in spec.lists] == [3, 1, 4, 1]
    assert new_model(SCHEMA, TRAINING, 1).embedding.weight.shape == (47 + 3 + 6, 4)


def test_a_spec_of_before_there_were_other_kinds_is_still_read() -> None:
    old = '{"architecture":"deepfm","embedding_dim":4,"fields":["a"],"hidden":[8],"rows":[5]}'
    assert record.from_json(ModelSpec, old) == ModelSpec("deepfm", ("a",), (5,), 4, (8,))


OF_ALL = (
    '"lists":[],"numbers":[],"tasks":[],"vectors":[],"second":[],"attention":[],"block_width":0,'
    '"bottom":[],"cross_layers":%d,"interaction":"dot"'
)


@pytest.mark.parametrize(("architecture", "layers"), [("deepfm", 0), ("dcnv2", 2)])
def test_a_spec_with_the_keys_of_all_architectures_is_still_read(
    architecture: str, layers: int
) -> None:
    known = (
        f'"architecture":"{architecture}","embedding_dim":4,"fields":["a"],"hidden":[8],"rows":[5]'
    )
    old = record.from_json(ModelSpec, f"{{{known},{OF_ALL % layers}}}")
    own = {"cross_layers": layers} if layers else {}
    assert build(old).spec == ModelSpec(architecture, ("a",), (5,), 4, (8,), own=own)


def test_what_an_architecture_alone_has_stands_among_the_other_keys() -> None:
    spec = ModelSpec("dlrm", ("a",), (5,), 4, (8,), own={"bottom": (3, 2), "interaction": "cat"})
    stored = json.loads(record.canonical_json(spec))
    assert stored["bottom"] == [3, 2]
    assert "own" not in stored
    assert record.from_json(ModelSpec, record.canonical_json(spec)) == spec


@pytest.mark.parametrize(
    ("key", "message"), [("crossings", "unknown keys"), ("cross_layers", "expected int")]
)
def test_a_spec_that_no_architecture_knows_is_refused(key: str, message: str) -> None:
    with pytest.raises(CorruptArtifact, match=message):
        build(ModelSpec("dcnv2", ("a",), (5,), 4, (8,), own={key: "two"}))
    with pytest.raises(CorruptArtifact, match="no architecture that this code knows"):
        build(ModelSpec("transformer", ("a",), (5,), 4, (8,)))


def test_the_score_is_the_sum_of_the_papers_parts_over_all_kinds(kinds: Artifact) -> None:
    """DeepFM's equations row by row; x v for a number, a mean for a list, z P for a vector."""
    model = new_model(SCHEMA, TRAINING, 1).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    inputs = load_split(kinds, "tune").inputs.slice(0, 40)
    inputs = Inputs(inputs.ids, inputs.numbers.double(), inputs.vectors.double(), inputs.lists)
    table = torch.cat([model.embedding.weight, model.first_order.weight], 1).detach()
    starts, blocks = (0, 13, 34, 38, 44), (3, 1, 4, 1)
    many = [unragged(column) for column in inputs.lists]
    expected = []
    for i in range(40):
        rows = [table[starts[f] + int(id_)] for f, id_ in enumerate(inputs.ids[i])]
        for block, column in zip(blocks, many, strict=True):
            values = [table[starts[block] + v] for v in column[i]]
            rows.append(sum(values) / len(values) if values else torch.zeros(5).double())
        z = inputs.vectors[i]
        rows += [sum(z[k] * table[50 + k] for k in part) for part in (range(4), range(4, 6))]
        x = inputs.numbers[i]
        flat = torch.cat([*(row[:4] for row in rows), x])
        rows += [x[k] * table[47 + k] for k in range(3)]
        pairs = sum(rows[a][:4] @ rows[b][:4] for a in range(len(rows)) for b in range(a))
        tower = model.tower(flat[None])[0, 0]
        expected.append(model.bias[0] + sum(row[4] for row in rows) + pairs + tower)
    with torch.no_grad():
        assert torch.allclose(model(inputs), torch.stack(expected), atol=1e-9)


def test_a_shared_list_teaches_the_rows_of_its_category(kinds: Artifact) -> None:
    model = new_model(SCHEMA, TRAINING, 1)
    inputs = load_split(kinds, "tune").inputs
    nothing = Ragged(torch.zeros(0, dtype=torch.int32), torch.zeros(2, dtype=torch.int64))
    alike = ragged([[5, 5]])
    one = Inputs(inputs.ids[:1], inputs.numbers[:1], inputs.vectors[:1], (*[nothing] * 3, alike))
    model(one).sum().backward()
    gradient = model.first_order.weight.grad
    assert gradient is not None
    assert gradient[13 + 5] == (2.0 if one.ids[0, 1] == 5 else 1.0)


def test_training_on_every_kind_learns_and_repeats_bit_by_bit(kinds: Artifact) -> None:
    rows, holdout = split_holdout(load_split(kinds, "train"), 1)
    states = []
    for threads in (1, 2):
        training = TRAINING.model_copy(update={"max_epochs": 5.0, "threads": threads})
        model = new_model(SCHEMA, training, 1)
        train(model, rows, holdout, TrainingContext(training, 1))
        assert logit_auc(predict(model, holdout.inputs), holdout.labels) > 0.8
        states.append(model.state_dict())
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


def test_a_bundle_of_every_kind_gives_back_every_bit(tmp_path: Path) -> None:
    model = new_model(SCHEMA, TRAINING, 1)
    with create((tmp_path / "b").as_uri(), "ModelBundle") as draft:
        save_bundle(draft, model)
        draft.seal(MadeBy("test", "0"), {}, {})
    again = load_bundle(open_artifact((tmp_path / "b").as_uri(), "ModelBundle"))
    assert again.spec == model.spec
    assert all(torch.equal(t, again.state_dict()[n]) for n, t in model.state_dict().items())
