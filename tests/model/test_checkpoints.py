"""A training cut anywhere and started again ends in the same bits."""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.command import Job
from secateur.contracts.data import ValidationReport
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import TrainingCurve
from secateur.model.architectures.recommender import Recommender
from secateur.model.architectures.registry import new_model
from secateur.model.data.batches import Split
from secateur.model.distributed import World
from secateur.model.training.checkpoints import Checkpoints
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext
from secateur.scenario import Training, load_scenario
from train_model import train_model
from waiting import wait_for_step

from .conftest import SCHEMA, TRAINING

PROJECT = Path(__file__).parents[2]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(PROJECT / "jobs")}
LAZY = TRAINING.model_copy(
    update={
        "dropout": 0.3,
        "batch_norm": True,
        "max_epochs": 2.0,
        "patience": 9,
        "weight_decay": 0.1,
        "embedding_weight_decay": 0.1,
        "embedding_optimizer": "lazy_adam",
    }
)
STEPS = 2 * 32
SETTINGS = (
    "training.hidden=[32]",
    "training.dropout=0.2",
    "training.max_epochs=20",
    "training.patience=99",
    "training.checkpoint_s=0",
    "training.embedding_optimizer=lazy_adam",
)

Planted = tuple[Split, Split]


class Stopped(Exception):
    """The training was cut."""


def run(
    planted: Planted, training: Training, kept: Checkpoints | None, stop: int = -1
) -> tuple[Recommender, TrainingCurve]:
    """Train, but for a cut before the checkpoint of step `stop` is written."""
    found = kept.newest() if kept else None
    taken, told = (found[0].step, -1) if found else (0, 0)

    def advance(_rows: float, _note: str) -> None:
        nonlocal told
        told += 1
        if stop >= 0 and taken + told >= stop:
            raise Stopped

    model = new_model(SCHEMA, training, 1)
    context = TrainingContext(training, 1, advance=advance, checkpoints=kept)
    return model, train(model, *planted, context).curve


@pytest.mark.parametrize("optimizer", ["adam", "lazy_adam", "rowwise_adagrad"])
def test_cut_at_five_steps_it_ends_in_the_bits_of_an_uncut_run(
    planted: Planted, tmp_path: Path, optimizer: str
) -> None:
    training = LAZY.model_copy(update={"embedding_optimizer": optimizer})
    expected, curve = run(planted, training, None)
    kept = Checkpoints(str(tmp_path / "kept"), "key", period_s=0)
    for stop in sorted(random.Random(optimizer).sample(range(2, STEPS), 5)):
        with pytest.raises(Stopped):
            run(planted, training, kept, stop)
    again, resumed_curve = run(planted, training, kept)
    assert resumed_curve == curve
    for name, tensor in expected.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


@pytest.mark.proof  # a night kills its trainer, too, and compares what it seals
def test_a_trainer_killed_at_work_seals_the_digest_of_one_that_was_not(
    features: Artifact, tmp_path: Path
) -> None:
    report = tmp_path / "report"
    with artifacts.create(str(report), "ValidationReport") as draft:
        draft.write("report.json", ValidationReport(features.digest, True, 1, ()))
        draft.seal(MadeBy("test", "0"), {}, {})
    flags = {"features": features.uri, "validation": str(report)}
    kept = tmp_path / "kept"
    command = [sys.executable, str(PROJECT / "jobs" / "train_model.py"), "--scenario=short_video"]
    command += [f"--{name}={value}" for name, value in flags.items()]
    command += [f"--set={setting}" for setting in SETTINGS]
    command += [f"--output={tmp_path / 'resumed'}", f"--checkpoints={kept}"]
    killed = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=ENVIRONMENT)
    wait_for_step(kept, 99)
    os.kill(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    assert not artifacts.is_sealed(str(tmp_path / "resumed"))
    again = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=True)
    assert "resuming from step" in again.stderr
    train_model(
        Job(
            "train_model",
            load_scenario("short_video", SETTINGS),
            flags | {"output": str(tmp_path / "whole")},
        )
    )
    resumed, whole = (
        artifacts.open_artifact(str(tmp_path / name), "ModelBundle")
        for name in ("resumed", "whole")
    )
    assert (
        resumed.file("model.safetensors").read_bytes()
        == whole.file("model.safetensors").read_bytes()
    )
    assert resumed.digest == whole.digest
    assert not list(kept.iterdir())


@pytest.fixture
def left_behind(planted: Planted, tmp_path: Path) -> str:
    """Checkpoints of a training that was cut."""
    with pytest.raises(Stopped):
        run(planted, LAZY, Checkpoints(str(tmp_path / "kept"), "key", period_s=0), stop=5)
    return str(tmp_path / "kept")


def test_the_newest_is_the_step_before_the_cut_and_one_file_of_tensors_is_kept(
    left_behind: str,
) -> None:
    found = Checkpoints(left_behind, "key", 0).newest()
    assert found is not None
    assert found[0].step == 4
    assert [path.suffix for path in sorted(Path(left_behind).iterdir())] == [
        ".safetensors",
        ".json",
    ]


def test_a_checkpoint_of_another_training_is_passed_over(left_behind: str) -> None:
    assert Checkpoints(left_behind, "other inputs", 0).newest() is None
    assert (
        Checkpoints(left_behind, "key", 0, World(0, 2)).key
        != Checkpoints(left_behind, "key", 0).key
    )


def test_a_damaged_checkpoint_is_passed_over(
    left_behind: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tensors,) = Path(left_behind).glob("*.safetensors")
    tensors.write_bytes(tensors.read_bytes()[:-1] + b"x")
    assert Checkpoints(left_behind, "key", 0).newest() is None
    assert "starting anew" in caplog.text


def test_clearing_leaves_nothing(left_behind: str) -> None:
    Checkpoints(left_behind, "key", 0).clear()
    assert not list(Path(left_behind).iterdir())
