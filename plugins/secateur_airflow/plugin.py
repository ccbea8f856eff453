"""The night's report as a tab of its run in Airflow's UI, and a board as a tab of its DAG."""

import html
import re
from typing import Annotated

from airflow.api_fastapi.app import get_auth_manager
from airflow.api_fastapi.core_api.security import GetUserDep, requires_access_dag
from airflow.plugins_manager import AirflowPlugin
from fastapi import Depends, FastAPI, HTTPException, Path, Query
from fastapi.responses import HTMLResponse

from secateur_airflow import settings
from secateur_airflow.shared_files import SharedFile

# The page is self-contained; nothing else may load or run in the reader's session.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
OF_SCENARIO = r"^secateur_[a-z0-9_]+$"
LIST = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Secateur boards</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>:root {{ color-scheme: light dark; }}
body {{ font: 15px/1.8 system-ui, sans-serif; margin: 32px 24px; }}
small {{ opacity: .6; }}</style>
<h1>Boards</h1><ul>{}</ul></html>
"""
MAY_SEE = [Depends(requires_access_dag(method="GET"))]

app = FastAPI(title="Secateur's pages", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/report", dependencies=MAY_SEE)
def report(
    dag_id: Annotated[str, Query(pattern=OF_SCENARIO)],
    run_id: Annotated[str, Query(max_length=250)],
) -> HTMLResponse:
    """Serve the report of one run to whoever may see its DAG."""
    digits = settings.run_hash(run_id)
    root = SharedFile(settings.runs_of(settings.scenario_of(dag_id)))
    for name in root.names():
        if re.fullmatch(rf"\d{{8}}T\d{{6}}-{digits}", name):
            return report_in(root.below(name))
    raise HTTPException(404, "This run has no report yet: it is written when the night ends.")


@app.get("/scenarios/{dag_id}/runs/{run}/report", dependencies=MAY_SEE)
def report_of_folder(
    dag_id: Annotated[str, Path(pattern=OF_SCENARIO)],
    run: Annotated[str, Path(pattern=r"^\d{8}T\d{6}-[0-9a-f]{6}$")],
) -> HTMLResponse:
    """Serve the report in one run's folder: the board links to it."""
    return report_in(SharedFile(settings.runs_of(settings.scenario_of(dag_id))).below(run))


@app.get("/scenarios/{dag_id}/board", dependencies=MAY_SEE)
def board(dag_id: Annotated[str, Path(pattern=OF_SCENARIO)]) -> HTMLResponse:
    """Serve the board of a scenario as its last night, or whoever moved a channel, left it."""
    folder = SharedFile(settings.state(settings.scenario_of(dag_id))).below("board")
    return sealed_page(folder, "There is no board yet: it is drawn when a night ends.")


@app.get("/boards")
def boards(user: GetUserDep) -> HTMLResponse:
    """List the boards of the scenarios that the reader may see."""
    readable: set[str] = get_auth_manager().get_authorized_dag_ids(user=user, method="GET")
    links = []
    for _, said in settings.read_scenarios():
        if (dag := f"secateur_{said['name']}") in readable:
            title = html.escape(str(said.get("title", said["name"])))
            links.append(f'<li><a href="scenarios/{dag}/board">{title}</a> <small>{dag}</small>')
    return page_of(LIST.format("\n".join(links) or "<li>You may see no scenario's DAG."))


def report_in(folder: SharedFile) -> HTMLResponse:
    """The report that a run's folder holds. Raises HTTPException."""
    missing = "This run has no report yet: it is written when the night ends."
    return sealed_page(folder.below("report"), missing)


def sealed_page(folder: SharedFile, missing: str) -> HTMLResponse:
    """The page in a sealed folder. Raises HTTPException where there is none."""
    if not folder.below("manifest.json").exists():
        raise HTTPException(404, missing)
    try:
        return page_of(folder.below("index.html").read())
    except FileNotFoundError as error:  # it is sealed anew or swept at this moment, or was lost
        raise HTTPException(404, f"{missing} What was there has lost its page.") from error


def page_of(text: str) -> HTMLResponse:
    """A page under the policy."""
    return HTMLResponse(text, headers={"Content-Security-Policy": POLICY})


class SecateurPlugin(AirflowPlugin):
    """Registers the pages."""

    name = "secateur"
    fastapi_apps = [{"app": app, "url_prefix": "/secateur", "name": "Secateur's pages"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Night report",
            "href": "/secateur/report?dag_id={DAG_ID}&run_id={RUN_ID}",
            "destination": "dag_run",
            "url_route": "night-report",
        },
        {
            "name": "Board",
            "href": "/secateur/scenarios/{DAG_ID}/board",
            "destination": "dag",
            "url_route": "night-board",
        },
        {
            "name": "Secateur boards",
            "href": "/secateur/boards",
            "destination": "nav",
            "category": "browse",
            "url_route": "secateur-boards",
        },
    ]
