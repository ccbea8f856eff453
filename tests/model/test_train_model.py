"""Claims about the verb that trains: what it demands, and what it seals."""

from pathlib import Path

import pytest

from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.command import Job
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import ArtifactError, ValidationRefused
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import TrainingCurve
from secateur.model.bundle import load_bundle
from secateur.model.data.batches import load_split, split_holdout
from secateur.model.training.holdout import predict
from secateur.model.training.metrics import logit_auc
from secateur.scenario import load_scenario
from train_model import train_model

SMALL = (
    "training.hidden=[32]",
    "training.learning_rate=1e-2",
    "training.dropout=0",
    "training.max_epochs=6",
)


def run(features: Artifact, report: ValidationReport, folder: Path) -> Artifact:
    with artifacts.create(str(folder / "validation"), "ValidationReport") as draft:
        draft.write("report.json", report)
        draft.seal(MadeBy("test", "0"), {}, {})
    uris = {"validation": str(folder / "validation"), "output": str(folder / "dense")}
    train_model(
        Job("train_model", load_scenario("short_video", SMALL), uris | {"features": features.uri})
    )
    return artifacts.open_artifact(uris["output"], "ModelBundle")


def report_of(subject: str, success: bool = True) -> ValidationReport:
    return ValidationReport(subject, success, 10_000, ())


def test_it_seals_the_model_whose_holdout_auc_its_manifest_tells(
    features: Artifact, tmp_path: Path
) -> None:
    bundle = run(features, report_of(features.digest), tmp_path)
    model = load_bundle(bundle)
    _, holdout = split_holdout(load_split(features, "train"), days=1)
    told = bundle.manifest.facts["holdout_auc"]
    assert logit_auc(predict(model, holdout.inputs), holdout.labels) == pytest.approx(told)
    curve = bundle.read("curve.json", TrainingCurve)
    assert curve.evaluations[curve.best].holdout_auc == told > 0.7
    assert bundle.manifest.made_from["features"] == features.digest


def test_the_same_inputs_give_the_same_digest(features: Artifact, tmp_path: Path) -> None:
    first = run(features, report_of(features.digest), tmp_path / "first")
    again = run(features, report_of(features.digest), tmp_path / "again")
    assert first.digest == again.digest


def test_it_refuses_a_report_of_other_features(features: Artifact, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="the receipt names 0000"):
        run(features, report_of("0" * 64), tmp_path)
    assert not artifacts.is_sealed(str(tmp_path / "dense"))


def test_it_refuses_features_that_failed_their_validation(
    features: Artifact, tmp_path: Path
) -> None:
    with pytest.raises(ValidationRefused, match="failed their validation"):
        run(features, report_of(features.digest, success=False), tmp_path)
    assert not artifacts.is_sealed(str(tmp_path / "dense"))
