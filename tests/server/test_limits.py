"""What a server does not take, it refuses before it fills the memory; and it counts all of it."""

import socket
import threading
from collections.abc import Callable

import pytest

from secateur.server.application import Limits

from .conftest import Served, tensor

Start = Callable[..., Served]
PATH = "/v2/models/shop/infer"


def request(rows: int) -> tuple[dict[str, object], ...]:
    return (
        tensor("user", "BYTES", ["3"]),
        tensor("item", "INT64", [*range(rows)]),
        tensor("length", "FP64", [500.0] * rows),
    )


def raw(port: int, *parts: bytes) -> bytes:
    """What a server says to these bytes, until it hangs up or is silent for a while."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
        return connection.recv(4096)


def test_too_many_rows_are_refused(serve: Start) -> None:
    served = serve("1-float", Limits(rows=100))
    assert served.infer(*request(100)).code == 200
    answer = served.infer(*request(101))
    assert answer.code == 413
    assert "101 rows, 100 are allowed" in answer.json["error"]


def test_too_many_bytes_are_refused_said_or_unsaid(serve: Start) -> None:
    served = serve("1-float", Limits(body_bytes=1000))
    assert served.infer(*request(200)).code == 413
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\n".encode()
    said = raw(served.port, head + b"content-length: 99999999999\r\n\r\n")
    assert b" 413 " in said.split(b"\r\n")[0]
    chunks = [b"100\r\n" + b" " * 256 + b"\r\n"] * 5
    unsaid = raw(served.port, head + b"transfer-encoding: chunked\r\n\r\n", *chunks)
    assert b" 413 " in unsaid.split(b"\r\n")[0]


def test_a_body_that_does_not_come_is_not_waited_for(serve: Start) -> None:
    served = serve("1-float", Limits(body_s=0.2))
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n".encode()
    assert b" 408 " in raw(served.port, head, b"{").split(b"\r\n")[0]


def test_a_compressed_body_is_not_read(serve: Start) -> None:
    headers = {"content-encoding": "gzip"}
    assert serve("1-float").ask("POST", PATH, b"x", headers).code == 415


def test_a_server_that_has_enough_to_do_says_so(serve: Start) -> None:
    served = serve("1-float", Limits(requests=1))
    head = f"POST {PATH} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", served.port)) as slow:
        slow.sendall(head + b"{")
        while "secateur_in_flight 1.0" not in served.ask("GET", "/metrics").body.decode():
            pass
        answer = served.infer(*request(1))
        assert (answer.code, answer.headers["retry-after"]) == (429, "1")
        assert served.ask("GET", "/v2/health/ready").code == 200
        slow.sendall(b" 7      }")
        assert b" 400 " in slow.recv(4096)
    assert served.infer(*request(1)).code == 200


def test_requests_of_many_callers_have_their_own_answers(serve: Start) -> None:
    """Those that wait are scored together, and each gets what it gets alone."""
    served = serve("1-float")
    alone = {rows: served.infer(*request(rows)).scores() for rows in range(1, 9)}
    wrong = []

    def call(rows: int) -> None:
        for _ in range(20):
            answer = served.infer(*request(rows))
            if answer.code != 200 or answer.scores() != pytest.approx(alone[rows], abs=1e-6):
                wrong.append((rows, answer.body))

    threads = [threading.Thread(target=call, args=(rows,)) for rows in alone]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    said = served.ask("GET", "/metrics").body.decode().splitlines()
    assert 'secateur_requests_total{code="200"} 168.0' in said
    assert f"secateur_rows_total {sum(range(1, 9)) * 21:.1f}" in said
    assert "secateur_release 1.0" in said
    assert "secateur_in_flight 0.0" in said
