"""Two processes under torchrun train the model that one trains alone."""

import os
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
from secateur.model.bundle import load_bundle
from secateur.model.ranks import World
from secateur.scenario import load
from train_model import train_model

PROJECT = Path(__file__).parents[2]
SETTINGS = (
    "training.hidden=[32,16]",
    "training.embedding_dim=4",
    "training.batch_size=129",
    "training.dropout=0",
    "training.max_epochs=3",
    "training.patience=99",
    "training.weight_decay=0.01",
    "training.embedding_weight_decay=0.01",
    "training.checkpoint_s=0",
)


def flags_of(features: Artifact, tmp_path: Path) -> dict[str, str]:
    """The inputs of the verb."""
    with artifacts.create(str(tmp_path / "report"), "ValidationReport") as draft:
        draft.write("report.json", ValidationReport(features.digest, True, 1, ()))
        draft.seal(MadeBy("test", "0"), {}, {})
    return {"features": features.uri, "validation": str(tmp_path / "report")}


def run_together(flags: dict[str, str], settings: tuple[str, ...]) -> None:
    """Run the verb on two ranks of this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2"]
    command += ["--rdzv-backend=c10d", "--rdzv-endpoint=127.0.0.1:0", "--local-addr=127.0.0.1"]
    command += [str(PROJECT / "jobs" / "train_model.py"), "--scenario=short_video"]
    command += [f"--{name}={value}" for name, value in flags.items()]
    command += [f"--set={setting}" for setting in settings]
    environment = {
        "PYTHONPATH": str(PROJECT / "jobs"),
        "GLOO_SOCKET_IFNAME": "lo",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize(
    ("rows", "optimizer", "norm"),
    [("features", "adam", "true"), ("features_with_tasks", "lazy_adam", "false")],
)
def test_two_ranks_train_as_one_does_but_for_rounding(
    request: pytest.FixtureRequest, tmp_path: Path, rows: str, optimizer: str, norm: str
) -> None:
    flags = flags_of(request.getfixturevalue(rows), tmp_path)
    settings = (
        *SETTINGS,
        f"training.embedding_optimizer={optimizer}",
        f"training.batch_norm={norm}",
    )
    outputs = {name: str(tmp_path / name) for name in ("alone", "together")}
    train_model(
        Job("train_model", load("short_video", settings), flags | {"output": outputs["alone"]})
    )
    kept = {"output": outputs["together"], "checkpoints": str(tmp_path / "kept")}
    run_together(flags | kept, settings)
    bundles = {name: artifacts.open_artifact(uri, "ModelBundle") for name, uri in outputs.items()}
    alone, together = (load_bundle(bundle).state_dict() for bundle in bundles.values())
    for name, tensor in alone.items():
        assert torch.allclose(together[name], tensor, atol=2e-4), name
    first, second = (b.read("curve.json", TrainingCurve) for b in bundles.values())
    assert first.best == second.best
    for one, two in zip(first.evaluations, second.evaluations, strict=True):
        assert two.samples == one.samples
        assert two.train_loss == pytest.approx(one.train_loss, abs=1e-5)
        assert two.holdout_auc == pytest.approx(one.holdout_auc, abs=1e-4)
        assert two.task_aucs == pytest.approx(one.task_aucs, abs=1e-4)
    assert not list((tmp_path / "kept").iterdir())


def test_the_shares_of_a_batch_are_all_of_it_and_nearly_equal() -> None:
    rows = torch.arange(10)
    shares = [World(rank, 3).share(rows) for rank in range(3)]
    assert torch.equal(torch.cat(shares), rows)
    assert [len(share) for share in shares] == [4, 3, 3]
