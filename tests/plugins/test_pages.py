"""The plugin's pages: only sealed ones, only of the scenario that was asked for, and no script.

Who may see them is Airflow's to say, and is tried on the real one in `tests/test_night.py`.
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from airflow.api_fastapi.core_api.security import get_user
from fastapi.testclient import TestClient

from secateur_airflow import plugin, settings

RUN = "20260507T190000-aaaaaa"
BOARD = "/scenarios/secateur_x/board"
REPORT = f"/scenarios/secateur_x/runs/{RUN}/report"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A site with two scenarios, and a run of one."""
    monkeypatch.setenv("AIRFLOW__SECATEUR__RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("AIRFLOW__SECATEUR__SCENARIOS", str(tmp_path / "scenarios"))
    (tmp_path / "scenarios").mkdir()
    for name in ("x", "y"):
        text = f'name = "{name}"\ntitle = "Shop <{name}>"\n'
        (tmp_path / "scenarios" / f"{name}.toml").write_text(text)
    return tmp_path


@pytest.fixture
def browser(site: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """A reader who may see the DAG of `x` alone."""
    may_see = {"secateur_x"}
    manager = SimpleNamespace(get_authorized_dag_ids=lambda user, method: may_see)
    monkeypatch.setattr(plugin, "get_auth_manager", lambda: manager)
    allowed = {plugin.MAY_SEE[0].dependency: lambda: None, get_user: lambda: None}
    monkeypatch.setattr(plugin.app, "dependency_overrides", allowed)
    with TestClient(plugin.app) as client:
        yield client


def seal(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "index.html").write_text(text)
    (folder / "manifest.json").write_text("{}")


def test_a_board_and_the_reports_that_it_links_are_served_once_sealed(
    site: Path, browser: TestClient
) -> None:
    assert browser.get(BOARD).status_code == 404
    assert "it is drawn when a night ends" in browser.get(BOARD).text
    assert browser.get(REPORT).status_code == 404
    seal(Path(settings.state("x")) / "board", "the board")
    seal(Path(settings.runs_of("x")) / RUN / "report", "the report")
    assert browser.get(BOARD).text == "the board"
    assert browser.get(f"{BOARD.removesuffix('board')}runs/{RUN}/report").text == "the report"
    assert browser.get(BOARD).headers["Content-Security-Policy"].startswith("default-src 'none'")
    (Path(settings.state("x")) / "board" / "manifest.json").unlink()
    assert browser.get(BOARD).status_code == 404, "a page without its seal does not exist"


def test_a_seal_whose_page_is_lost_is_no_server_error(site: Path, browser: TestClient) -> None:
    seal(folder := Path(settings.state("x")) / "board", "the board")
    (folder / "index.html").unlink()
    answer = browser.get(BOARD)
    assert (answer.status_code, "has lost its page" in answer.text) == (404, True)


@pytest.mark.parametrize(
    "path",
    [
        "/scenarios/secateur_..%2Fy/board",
        "/scenarios/other/board",
        "/scenarios/secateur_x/runs/..%2F..%2Fy/report",
        "/scenarios/secateur_x/runs/20260507T190000-AAAAAA/report",
    ],
)
def test_a_path_that_leaves_its_scenario_is_refused(browser: TestClient, path: str) -> None:
    assert browser.get(path).status_code in (404, 422)


def test_boards_are_listed_for_those_who_may_see_them(browser: TestClient) -> None:
    listed = browser.get("/boards").text
    assert 'href="scenarios/secateur_x/board">Shop &lt;x&gt;</a>' in listed
    assert "secateur_y" not in listed
