"""From a raw log to a dense model beside its baselines, in one command, by the real verbs."""

import json
import random
from pathlib import Path

import pytest

from secateur.client import main
from secateur.contracts.errors import UsageError
from secateur.onboarding.trial import draft_trial, given_trial
from secateur.onboarding.try_command import run_try_command

START = 1_704_067_200
DAY = 86_400
DAYS, ROWS_A_DAY = 6, 300


def clicks(folder: Path, with_time: bool = True) -> Path:
    """A log in which the item alone tells how likely a click is."""
    draw = random.Random(5)
    path = folder / "clicks.csv"
    lines = ["user_id,item_id,click,place" + ",ts" * with_time]
    for n in range(DAYS * ROWS_A_DAY):
        item = draw.randrange(20)
        moment = f",{START + n * DAY // ROWS_A_DAY}" * with_time
        click = int(draw.random() < 0.1 + 0.04 * item)
        lines.append(f"u{draw.randrange(60)},i{item},{click},{draw.randrange(3)}{moment}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_file_is_tried_alone_whatever_lies_beside_it(tmp_path: Path) -> None:
    log = clicks(tmp_path)
    (tmp_path / "users.csv").write_text("user_id,age\nu1,30\n")
    trial = draft_trial(log, tmp_path / "run")
    assert trial.notes == []
    assert [file.name for file in (tmp_path / "run" / "log" / "events").iterdir()] == ["clicks.csv"]
    assert f'uri = "{tmp_path}/run/log"' in trial.scenario.read_text()


def test_a_log_without_days_is_dealt_into_made_up_ones_and_that_is_said(tmp_path: Path) -> None:
    trial = draft_trial(clicks(tmp_path, with_time=False), tmp_path / "run")
    assert "dealt in their order into 10 made-up days" in trial.notes[0]
    assert 'time = "made_up_ms"' in trial.scenario.read_text()


def test_a_scenario_that_is_there_is_run_on_the_log_that_was_named(tmp_path: Path) -> None:
    log = clicks(tmp_path)
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n')
    trial = given_trial(log, tmp_path / "run", mine)
    assert trial.scenario.read_text() == 'name = "mine"\n'
    assert f'logs.uri="{tmp_path}/run/log"' in trial.settings


def test_a_folder_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "mine").touch()
    with pytest.raises(UsageError, match="is there already"):
        run_try_command([str(clicks(tmp_path)), f"--output={tmp_path / 'run'}"])


@pytest.mark.proof
def test_one_command_ends_in_a_table_and_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = clicks(tmp_path)
    figures = []
    for run in ("one", "two"):
        assert main(["try", str(log), f"--output={tmp_path / run}"]) == 0
        figures.append(json.loads((tmp_path / run / "dense" / "baselines.json").read_text()))
    assert figures[0] == figures[1], "the same log gives the same figures"
    said = capsys.readouterr().out
    page = (tmp_path / "one" / "index.html").read_text()
    names = ["dense", "logistic regression", "item rate", "popularity", "recency"]
    assert all(name in said and name in page for name in names)
    assert "train_model" in page
    assert figures[0]["rows"] == ROWS_A_DAY
    assert figures[0]["dense_auc"] > 0.65


@pytest.mark.proof
def test_a_verb_that_refuses_ends_the_trial_with_its_code_and_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = ["try", str(clicks(tmp_path)), f"--output={tmp_path / 'run'}"]
    assert main([*argv, "--set=validation.min_rows=1000000"]) == 65
    assert "validate_events" in capsys.readouterr().err
    assert "ended early" in (tmp_path / "run" / "index.html").read_text()
