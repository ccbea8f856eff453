"""The night's report as a tab of its run in Airflow's UI."""

import re
from typing import Annotated

from airflow.api_fastapi.core_api.security import requires_access_dag
from airflow.plugins_manager import AirflowPlugin
from airflow.sdk import ObjectStoragePath
from fastapi import Depends, FastAPI, HTTPException, Query
from fastapi.responses import HTMLResponse

from secateur_airflow import settings

# The page is self-contained; nothing else may load or run in the reader's session.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"

app = FastAPI(title="Secateur reports", docs_url=None, redoc_url=None, openapi_url=None)


@app.get("/report", dependencies=[Depends(requires_access_dag(method="GET"))])
def report(
    dag_id: Annotated[str, Query(pattern=r"^secateur_[a-z0-9_]+$")],
    run_id: Annotated[str, Query(max_length=250)],
) -> HTMLResponse:
    """Serve the report of one run to whoever may see its DAG."""
    digits = settings.run_hash(run_id)
    root = ObjectStoragePath(settings.runs()) / dag_id.removeprefix("secateur_")
    for folder in root.iterdir() if root.exists() else ():
        page = folder / "report" / "index.html"
        if re.fullmatch(rf"\d{{8}}T\d{{6}}-{digits}", folder.name) and page.exists():
            return HTMLResponse(page.read_text(), headers={"Content-Security-Policy": POLICY})
    raise HTTPException(404, "This run has no report yet: it is written when the night ends.")


class SecateurPlugin(AirflowPlugin):
    """Registers the page."""

    name = "secateur"
    fastapi_apps = [{"app": app, "url_prefix": "/secateur", "name": "Secateur reports"}]  # noqa: RUF012
    external_views = [  # noqa: RUF012
        {
            "name": "Night report",
            "href": "/secateur/report?dag_id={DAG_ID}&run_id={RUN_ID}",
            "destination": "dag_run",
            "url_route": "night-report",
        }
    ]
