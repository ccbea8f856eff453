"""A chat's webhook on loopback, whose address has a path; what was posted to it is kept."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

ENDPOINT = "/services/T1/B2"


class Webhook(NamedTuple):
    """`connection` is Airflow's, as JSON; `posted` has the path and the body of each post."""

    connection: str
    posted: list[tuple[str, Any]]

    @property
    def first_lines(self) -> list[str]:
        return [body["text"].splitlines()[0] for _, body in self.posted]


@contextmanager
def listening_webhook() -> Iterator[Webhook]:
    posted: list[tuple[str, Any]] = []

    class Chat(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host = f"http://127.0.0.1:{server.server_port}"
    connection = {"conn_type": "http", "host": host, "extra": {"endpoint": ENDPOINT}}
    try:
        yield Webhook(json.dumps(connection), posted)
    finally:
        server.shutdown()
