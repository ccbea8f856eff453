"""Requests over HTTP while the channel moves: none fails, and each is of the version it names."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import Served
from .test_limits import request

MOVES = 12


def ask_until(served: Served, over: threading.Event, heard: list[tuple[int, Any]]) -> None:
    while not over.is_set():
        answer = served.infer(*request(5))
        told = answer.json
        heard.append((answer.code, (told.get("model_version"), told.get("outputs"))))


def test_no_request_fails_while_the_channel_moves(serve: Callable[..., Served]) -> None:
    served = serve("1-float", every_s=0.02)
    scores = {"1": served.infer(*request(5)).scores()}
    served.publish("1-int4")
    wait_for(served, "2")
    scores["2"] = served.infer(*request(5)).scores()
    assert scores["1"] != pytest.approx(scores["2"], abs=1e-4)
    over, heard = threading.Event(), []  # type: ignore[var-annotated]
    threads = [threading.Thread(target=ask_until, args=(served, over, heard)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for move in range(MOVES):
        number = 1 + move % 2
        served.roll_back(number)
        wait_for(served, str(number))
    over.set()
    for thread in threads:
        thread.join()
    assert {code for code, _ in heard} == {200}
    for _, (version, outputs) in heard:
        assert outputs[0]["data"] == pytest.approx(scores[version], abs=1e-6), version
    assert {version for _, (version, _) in heard} == {"1", "2"}
    said = served.ask("GET", "/metrics").body.decode().splitlines()
    assert f"secateur_swaps_total {MOVES + 1:.1f}" in said
    assert "secateur_follow_failures_total 0.0" in said


def wait_for(served: Served, version: str) -> None:
    """Until the server has moved there."""
    deadline = time.monotonic() + 60
    while served.ask("GET", "/v2/models/shop").json["versions"] != [version]:
        assert time.monotonic() < deadline, f"version {version} did not come"
        time.sleep(0.01)
