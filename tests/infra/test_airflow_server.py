"""Whose settings the local Airflow runs with: ours, but for an executor that somebody named."""

from pathlib import Path

import pytest

from local_site.airflow_server import LocalAirflow

DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def settings_of(home: Path) -> dict[str, str]:
    return dict(LocalAirflow(home, 1, {}).service("worker", "celery", "worker").environment)


def test_an_executor_that_the_environment_names_is_kept_with_its_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    theirs = {"AIRFLOW__CORE__EXECUTOR": "CeleryExecutor", DATABASE: "postgresql://x"}
    for name, value in theirs.items():
        monkeypatch.setenv(name, value)
    assert theirs.items() <= settings_of(tmp_path).items()


def test_a_database_alone_is_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AIRFLOW__CORE__EXECUTOR", raising=False)
    monkeypatch.setenv(DATABASE, "postgresql://somebody's")
    assert settings_of(tmp_path)[DATABASE].startswith(f"sqlite:///{tmp_path}")
    assert settings_of(tmp_path)["AIRFLOW__CORE__EXECUTOR"] == "LocalExecutor"
