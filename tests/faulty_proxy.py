"""An HTTP proxy on loopback before a real object store, that spoils the answers it is told to."""

import contextlib
import http.client
import os
import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

Fault = str
Choose = Callable[[str, str], Fault | None]  # by method and path
HOP = ("transfer-encoding", "connection", "content-length")


def nothing(_method: str, _path: str) -> Fault | None:
    """No fault at all."""
    return None


@dataclass
class FaultyProxy:
    """It stands before the store at `target`; `choose` names the fault of a request, or None.

    cut          half the body, then the connection closes
    flip         one bit of the body is another
    wrong        a body of the right size, of other bytes
    late         the answer, after a while
    silent       no answer
    trickle      the headers, then a byte of the body now and then
    head         the first byte of the headers, then another now and then
    lost         the store does it, and the answer is lost
    error        the store does it, and the answer is 500
    endless      a body of chunks without end behind a Content-Length of 10
    no length    a body until the connection closes
    no etag, bad date, redirect    answers that no S3 gives
    """

    target: str
    choose: Choose = nothing
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    pace_s: float = 0.2

    @contextlib.contextmanager
    def running(self) -> Iterator[str]:
        """Give the URL to send requests to."""
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        server.daemon_threads = True
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()


def _handler(proxy: FaultyProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def handle_one_request(self) -> None:
            with contextlib.suppress(OSError):
                super().handle_one_request()
                return
            self.close_connection = True

        def _serve(self) -> None:
            body = self._body()
            fault = proxy.choose(self.command, self.path) or ""
            proxy.asked.append((self.command, self.path, self.headers.get("Range", "")))
            if fault == "silent":
                self.close_connection = True
                time.sleep(proxy.pace_s * 100)
                return
            answer, data = self._forward(body)
            spoil = getattr(self, "_" + fault.replace(" ", "_"), None)
            if spoil is None:
                self._answer(answer.status, answer.getheaders(), data)
            else:
                self.close_connection = True
                spoil(answer, data)

        def __getattr__(self, name: str) -> Callable[[], None]:
            if name.startswith("do_"):  # whatever the method
                return self._serve
            raise AttributeError(name)

        def _body(self) -> bytes:
            if self.headers.get("Expect"):
                self.send_response_only(100)
                self.end_headers()
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))

        def _forward(self, body: bytes) -> tuple[http.client.HTTPResponse, bytes]:
            onward = http.client.HTTPConnection(urlsplit(proxy.target).netloc, timeout=30)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "expect"}
            onward.request(self.command, self.path, body, headers)
            answer = onward.getresponse()
            return answer, answer.read()

        def _answer(
            self, status: int, headers: list[tuple[str, str]], data: bytes, length: int | None = 0
        ) -> None:
            self.send_response_only(status)
            for name, value in headers:
                if name.lower() not in HOP:
                    self.send_header(name, value)
            if length is not None:
                self.send_header("Content-Length", str(length or len(data)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def _cut(self, answer: http.client.HTTPResponse, data: bytes) -> None:
            half = data[: len(data) // 2]
            self._answer(answer.status, answer.getheaders(), half, len(data))

        def _flip(self, answer: http.client.HTTPResponse, data: bytes) -> None:
            flipped = bytearray(data)
            if data:
                flipped[random.randrange(len(data))] ^= 1 << random.randrange(8)
            self._answer(answer.status, answer.getheaders(), bytes(flipped))

        def _wrong(self, answer: http.client.HTTPResponse, data: bytes) -> None:
            self._answer(answer.status, answer.getheaders(), os.urandom(len(data)))

        def _late(self, answer: http.client.HTTPResponse, data: bytes) -> None:
            time.sleep(proxy.pace_s)
            self._answer(answer.status, answer.getheaders(), data)

        def _trickle(self, answer: http.client.HTTPResponse, data: bytes) -> None:
            self._answer(answer.status, answer.getheaders(), b"", len(data))
            for byte in data:
                self.wfile.write(bytes([byte]))
                time.sleep(proxy.pace_s)

        def _head(self, _answer: http.client.HTTPResponse, _data: bytes) -> None:
            for byte in b"HTTP/1.1 200 OK\r\nX-Slow: " + b"a" * 1000:
                self.wfile.write(bytes([byte]))
                time.sleep(proxy.pace_s)

        def _lost(self, _answer: http.client.HTTPResponse, _data: bytes) -> None:
            self.connection.close()

        def _error(self, _answer: http.client.HTTPResponse, _data: bytes) -> None:
            self._answer(500, [], b"<Error><Code>InternalError</Code></Error>")

        def _endless(self, answer: http.client.HTTPResponse, _data: bytes) -> None:
            self.send_response_only(200)
            self.send_header("ETag", answer.getheader("ETag") or '"x"')
            self.send_header("Content-Length", "10")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            while True:
                self.wfile.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")

        def _no_length(self, answer: http.client.HTTPResponse, data: bytes) -> None:
            self._answer(answer.status, answer.getheaders(), data, None)

        def _no_etag(self, answer: http.client.HTTPResponse, data: bytes) -> None:
            headers = [(k, v) for k, v in answer.getheaders() if k.lower() != "etag"]
            self._answer(answer.status, headers, data)

        def _bad_date(self, answer: http.client.HTTPResponse, data: bytes) -> None:
            headers = [
                (k, "tomorrow" if k.lower() == "last-modified" else v)
                for k, v in answer.getheaders()
            ]
            start, end = data.find(b"<LastModified>"), data.find(b"</LastModified>")
            bad = data[: start + 14] + b"tomorrow" + data[end:] if start >= 0 else data
            self._answer(answer.status, headers, bad)

        def _redirect(self, _answer: http.client.HTTPResponse, _data: bytes) -> None:
            self._answer(301, [("Location", "http://127.0.0.1:1/")], b"")

    return Handler
