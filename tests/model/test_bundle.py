from pathlib import Path

import pytest
import torch

from secateur import artifacts
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.manifest import MadeBy
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.architectures.registry import new_model
from secateur.model.bundle import load_bundle, save_bundle

from .conftest import SCHEMA, TRAINING


def sealed(folder: Path, model: DeepFM) -> str:
    with artifacts.create(str(folder), "ModelBundle") as draft:
        save_bundle(draft, model)
        return draft.seal(MadeBy("test", "0"), {}, {}).digest


def test_a_bundle_gives_back_every_bit(tmp_path: Path) -> None:
    model = new_model(SCHEMA, TRAINING, seed=1)
    sealed(tmp_path / "bundle", model)
    again = load_bundle(artifacts.open_artifact(str(tmp_path / "bundle"), "ModelBundle"))
    assert again.spec == model.spec
    assert not again.training
    assert again.state_dict().keys() == model.state_dict().keys()
    for name, tensor in model.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor)


def test_equal_models_are_equal_bundles(tmp_path: Path) -> None:
    first, second = (new_model(SCHEMA, TRAINING, seed=1) for _ in range(2))
    assert sealed(tmp_path / "first", first) == sealed(tmp_path / "second", second)


def test_a_changed_byte_of_the_weights_is_refused(tmp_path: Path) -> None:
    sealed(tmp_path / "bundle", new_model(SCHEMA, TRAINING, seed=1))
    weights = tmp_path / "bundle" / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    with pytest.raises(CorruptArtifact, match=r"model\.safetensors"):
        artifacts.open_artifact(str(tmp_path / "bundle"), "ModelBundle")
