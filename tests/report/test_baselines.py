"""The baselines stand on every night's page, and a dense model below one of them is said loudly."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from secateur.report.night_artifacts import read_night
from secateur.report.page import render
from secateur.report.trial_page import LogTrial, render_trial

SECONDS = [("clean_events", 4.25), ("train_model", 10.5)]


@pytest.fixture
def night(build: Any, tmp_path: Path) -> Any:
    made = build(tmp_path)
    made.data()
    return made


def test_the_page_shows_the_dense_model_beside_its_baselines(night: Any) -> None:
    night.training()
    page = render(read_night(night.folder.as_uri()), "Short video")
    assert "logistic regression" in page
    assert "0.7192" in page
    assert "29,000 rows of the tune days, 8,900 of them positive" in page
    assert "+0.0174" in page, "the difference in AUC"
    assert "BELOW" not in page


def test_a_dense_model_below_a_baseline_is_said_at_the_top(night: Any) -> None:
    night.baselines = replace(night.baselines, dense_auc=0.7000)
    night.training()
    page = render(read_night(night.folder.as_uri()), "Short video")
    assert "is BELOW 1 of 2 baselines: logistic regression 0.7192" in page
    assert page.index("BELOW") < page.index("<h2>")


def test_a_night_without_them_says_that_they_are_missing(night: Any) -> None:
    page = render(read_night(night.folder.as_uri()), "Short video")
    assert "no dense model was measured beside baselines" in page


def test_a_trial_has_a_page_of_its_own_with_scenario_and_seconds(night: Any) -> None:
    night.training()
    trial = LogTrial("clicks.csv", ["what <tells> the time"], 'name = "clicks"', SECONDS)
    page = render_trial(trial, read_night(night.folder.as_uri()))
    assert "above its baselines" in page
    assert "what &lt;tells&gt; the time" in page
    assert "name = &#34;clicks&#34;" in page
    assert "14.8" in page
    assert "://" not in page
    failed = replace(trial, failure="clean_events refused the log")
    assert "clean_events refused the log" in render_trial(failed, read_night(night.folder.as_uri()))
