"""A site whose store is empty, and a chat that alerts are posted to."""

import base64
import datetime
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest


def manual_run() -> SimpleNamespace:
    """What is read of a DagRun that a person triggered."""
    return SimpleNamespace(
        run_id="r1",
        dag_id="secateur_x",
        run_after=datetime.datetime(2026, 1, 1),
        run_type="manual",
        data_interval_end=None,
        conf={},
    )


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The run's folder, on a site whose store is empty."""
    monkeypatch.setenv("AIRFLOW__SECATEUR__RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("AIRFLOW__SECATEUR__STORE", str(tmp_path / "store"))
    monkeypatch.setenv("SECATEUR_VERIFY_KEY", base64.b64encode(bytes(32)).decode())
    return tmp_path / "runs" / "x"


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, Any]]]:
    """A chat's webhook, whose address has a path; gives what was posted to it."""
    posted: list[tuple[str, Any]] = []

    class Chat(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

    server = http.server.HTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    connection = {
        "conn_type": "http",
        "host": f"http://127.0.0.1:{server.server_port}",
        "extra": {"endpoint": "/services/T1/B2"},
    }
    monkeypatch.setenv("AIRFLOW_CONN_SECATEUR_ALERTS", json.dumps(connection))
    yield posted
    server.shutdown()
