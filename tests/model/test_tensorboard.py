"""What TensorBoard sees of a training is the curve that its bundle holds."""

from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from secateur.artifacts import Artifact
from secateur.contracts.models import TrainingCurve
from secateur.model.training.tensorboard import TENSORBOARD

from .test_train_model import report_of, run


def test_every_evaluation_is_written_once(
    features: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(TENSORBOARD, str(tmp_path / "board"))
    bundle = run(features, report_of(features.digest), tmp_path)
    (folder,) = (tmp_path / "board").iterdir()
    assert folder.name.startswith("short_video-")
    seen = EventAccumulator(str(folder)).Reload()
    evaluations = bundle.read("curve.json", TrainingCurve).evaluations
    assert len(evaluations) > 3
    for name in ("train_loss", "holdout_loss", "holdout_auc"):
        events = seen.Scalars(name)
        assert [event.step for event in events] == [one.samples for one in evaluations]
        assert [event.value for event in events] == pytest.approx(
            [getattr(one, name) for one in evaluations]
        )


def test_without_a_folder_nothing_is_written(
    features: Artifact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TENSORBOARD, raising=False)
    monkeypatch.chdir(tmp_path)
    run(features, report_of(features.digest), tmp_path)
    assert not list(tmp_path.rglob("events.out.*"))
