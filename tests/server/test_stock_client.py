"""NVIDIA's client of the open inference protocol, in an environment of its own, is answered."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .conftest import Served, tensor

HERE = Path(__file__).parent
UV = [sys.executable, "-m", "uv"]


@pytest.fixture(scope="module")
def stock_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """An interpreter with the client alone: its gevent wants an older greenlet than the night."""
    folder = tmp_path_factory.mktemp("stock")
    python = str(folder / "bin" / "python")
    pins = str(HERE / "stock_clients.txt")
    subprocess.run([*UV, "venv", "-q", "--python", sys.executable, str(folder)], check=True)
    subprocess.run([*UV, "pip", "install", "-q", "--python", python, "-r", pins], check=True)
    return python


@pytest.mark.proof
def test_tritonclient_is_answered_as_the_client_scores(
    serve: Callable[..., Served], stock_python: str
) -> None:
    served = serve("1-float")
    inputs = [
        tensor("user", "BYTES", ["3"]),
        tensor("item", "BYTES", ["1", "5", "unheard of", ""]),
        tensor("length", "FP64", [12_000.0, 7.0, 500.0, 1.0]),
    ]
    done = subprocess.run(
        [stock_python, str(HERE / "ask_with_tritonclient.py"), str(served.port)],
        input=json.dumps(inputs),
        capture_output=True,
        text=True,
        check=True,
    )
    heard = json.loads(done.stdout)
    columns = {one["name"]: one["data"] for one in inputs}
    scores = served.following.score({**columns, "user": "3"})
    assert heard["alive"] == [True, True, True]
    assert "binary_tensor_data" in heard["server"]["extensions"]
    assert heard["model"]["name"] == "shop"
    for form in ("binary", "json"):
        np.testing.assert_allclose(np.float32(heard[form]), scores, atol=1e-6)
    assert heard["error"].startswith("400: ")
    assert "missing ['user']" in heard["error"]
