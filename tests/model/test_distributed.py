"""Two processes under torchrun train the model that one trains alone."""

import os
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
from secateur.model.bundle import load_bundle
from secateur.model.distributed import World
from secateur.scenario import load_scenario
from train_model import train_model
from waiting import wait_for_step

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


def started(flags: dict[str, str], settings: tuple[str, ...]) -> subprocess.Popen[str]:
    """The verb on two ranks of this machine."""
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
    return subprocess.Popen(
        command, env=os.environ | environment, stderr=subprocess.PIPE, text=True
    )


def run_together(flags: dict[str, str], settings: tuple[str, ...]) -> str:
    """Run the verb on two ranks to its end; what they said."""
    process = started(flags, settings)
    _, said = process.communicate()
    assert process.returncode == 0, said[-3000:]
    return said


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
        Job(
            "train_model",
            load_scenario("short_video", settings),
            flags | {"output": outputs["alone"]},
        )
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


@pytest.mark.proof
@pytest.mark.parametrize("optimizer", ["adam", "lazy_adam"])
def test_two_ranks_of_which_one_was_killed_go_on_with_the_same_bits(
    features: Artifact, tmp_path: Path, optimizer: str
) -> None:
    flags = flags_of(features, tmp_path)
    settings = (*SETTINGS, f"training.embedding_optimizer={optimizer}")
    kept, output = tmp_path / "kept", str(tmp_path / "killed")
    process = started(flags | {"output": output, "checkpoints": str(kept)}, settings)
    wait_for_step(kept, 3)
    os.kill(workers_of(process)[1], signal.SIGKILL)
    process.communicate()
    assert process.returncode != 0
    assert not list(tmp_path.glob("killed/*.json"))
    assert "resuming from step" in run_together(
        flags | {"output": output, "checkpoints": str(kept)}, settings
    )
    run_together(flags | {"output": str(tmp_path / "uncut")}, settings)
    uris = (output, str(tmp_path / "uncut"))
    killed, uncut = (artifacts.open_artifact(uri, "ModelBundle") for uri in uris)
    assert killed.digest == uncut.digest


def workers_of(process: subprocess.Popen[str]) -> list[int]:
    """The ranks that torchrun started, by rank."""
    told = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
    return [int(pid) for pid in told.split()]


def test_the_shares_of_a_batch_are_all_of_it_and_nearly_equal() -> None:
    rows = torch.arange(10)
    shares = [World(rank, 3).shard(rows) for rank in range(3)]
    assert torch.equal(torch.cat(shares), rows)
    assert [len(share) for share in shares] == [4, 3, 3]
