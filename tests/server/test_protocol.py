"""The open inference protocol, version 2, over real HTTP: KServe's text, line by line."""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from secateur.serving.scorer import load

from .columns_as_tensors import in_binary, tensors_of
from .conftest import STORED, Served, expected, tensor

Start = Callable[..., Served]
REQUEST = (
    tensor("user", "BYTES", ["3"]),
    tensor("item", "INT64", [1, 5, 8]),
    tensor("length", "FP64", [12_000, None, 500]),
)
IDS = {"user": "3", "item": [1, 5, 8], "length": [12_000, None, 500]}


@pytest.mark.parametrize("stored", ["1-int8", "2-kinds", "3-tasks", "7-missing", "8-counters"])
def test_a_stored_package_scores_as_it_did(serve: Start, stored: str) -> None:
    served, held = serve(stored), expected(stored)
    answer = served.infer(*tensors_of(held["columns"]))
    assert answer.code == 200
    label, *tasks = held["scores"]
    assert answer.scores() == pytest.approx(held["scores"][label], abs=1e-5)
    for task in tasks:
        found = answer.scores(f"probability_{task}")
        assert found == pytest.approx(held["scores"][task], abs=1e-5)
    assert len(answer.json["outputs"]) == 1 + len(tasks)


def test_binary_tensors_say_what_json_says(serve: Start) -> None:
    served, held = serve("2-kinds"), expected("2-kinds")
    inputs, tail = in_binary(tensors_of(held["columns"]))
    outputs = [{"name": "probability", "parameters": {"binary_data": True}}]
    head = json.dumps({"id": "a", "inputs": inputs, "outputs": outputs}).encode()
    sent = {
        "content-type": "application/octet-stream",
        "inference-header-content-length": str(len(head)),
    }
    answer = served.ask("POST", "/v2/models/shop/infer", head + tail, sent)
    assert answer.code == 200
    size = int(answer.headers["inference-header-content-length"])
    told = json.loads(answer.body[:size])
    (output,) = told["outputs"]
    scores = np.frombuffer(answer.body[size:], "<f4")
    assert output == {
        "name": "probability",
        "datatype": "FP32",
        "shape": [12],
        "parameters": {"binary_data_size": scores.nbytes},
    }
    assert scores == pytest.approx(held["scores"]["bought"], abs=1e-5)
    assert told["id"] == "a"


def test_what_comes_once_stands_for_all_candidates(serve: Start) -> None:
    served = serve("5-request")
    columns = expected("5-request")["columns"]
    shared = {
        field.name: columns[field.name][0]
        for field in served.following.schema.inputs
        if field.owner != "item"
    }
    once = [
        {**one, "shape": [1, *one["shape"][1:]], "data": one["data"][:1]}
        if one["name"] in shared
        else one
        for one in tensors_of(columns)
    ]
    found = served.infer(*once).scores()
    alone = served.following.score({**columns, **shared})
    assert found == pytest.approx(alone.tolist(), abs=1e-6)
    assert len(found) == len(columns["item"]) > len(shared)


def test_the_server_and_its_model_tell_what_they_are(serve: Start) -> None:
    served = serve("2-kinds")
    assert served.ask("GET", "/v2").json["extensions"] == ["binary_tensor_data"]
    for path in (
        "health/live",
        "health/ready",
        "models/shop/ready",
        "models/shop/versions/1/ready",
    ):
        assert served.ask("GET", f"/v2/{path}").code == 200
    told = served.ask("GET", "/v2/models/shop").json
    assert (told["name"], told["versions"]) == ("shop", ["1"])
    inputs = {one["name"]: (one["datatype"], one["shape"]) for one in told["inputs"]}
    assert inputs["item"] == ("BYTES", [-1])
    assert inputs["tags"] == ("BYTES", [-1, -1])
    assert inputs["title"] == ("FP32", [-1, 4])
    assert told["outputs"] == [{"name": "probability", "datatype": "FP32", "shape": [-1]}]


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("models/other", 404),
        ("models/shop/versions/2", 404),
        ("models/shop/versions/2/ready", 404),
        ("nothing", 404),
        ("models/shop/infer", 405),
    ],
)
def test_what_is_not_there_is_an_error_as_the_protocol_has_them(
    serve: Start, path: str, code: int
) -> None:
    answer = serve("1-float").ask("GET", f"/v2/{path}")
    assert answer.code == code
    assert [*answer.json] == ["error"]


def wrong_requests() -> dict[str, Any]:
    user, video, duration = REQUEST
    return {
        "no JSON": b"{",
        "no object": [],
        "nested": b"[" * 100_000,
        "no inputs": {},
        "no tensor": {"inputs": [7]},
        "datatype": {"inputs": [user, {**video, "datatype": "BF16"}, duration]},
        "shape": {"inputs": [user, {**video, "shape": [4]}, duration]},
        "negative shape": {"inputs": [user, {**video, "shape": [-3]}, duration]},
        "huge shape": {"inputs": [user, {**video, "shape": [3, 10**40]}, duration]},
        "no data": {"inputs": [user, {**video, "data": None}, duration]},
        "texts as numbers": {"inputs": [user, {**video, "data": ["1", "5", "8"]}, duration]},
        "fractions": {"inputs": [user, {**video, "data": [1, 5, 8.5]}, duration]},
        "too large": {"inputs": [user, {**video, "data": [1, 5, 2**64]}, duration]},
        "nested unlike": {"inputs": [user, {**video, "shape": [3, 1], "data": [[1], 5, 8]}]},
        "twice": {"inputs": [user, video, video, duration]},
        "missing": {"inputs": [user, video]},
        "lengths": {"inputs": [user, video, tensor("length", "FP32", [1, 2])]},
        "two a row": {"inputs": [tensor("user", "BYTES", ["1", "2"], 1, 2), video, duration]},
        "no such output": {"inputs": [*REQUEST], "outputs": [{"name": "logit"}]},
        "no name": {"inputs": [*REQUEST], "outputs": [{}]},
        "no binary": {"inputs": [{**user, "parameters": {"binary_data_size": 9}}, video, duration]},
        "hashed": {"inputs": [*REQUEST], "parameters": {"hashed": "yes"}},
        "many dimensions": {"inputs": [user, {**video, "shape": [1] * 9}, duration]},
        "rank of none": {"inputs": [*REQUEST], "parameters": {"rank": 0}},
        "ranked": {"inputs": [*REQUEST], "parameters": {"rank": 3}},
    }


def test_a_wrong_request_is_told_so_and_harms_no_other(serve: Start) -> None:
    served = serve("1-float")
    for what, body in wrong_requests().items():
        answer = served.ask("POST", "/v2/models/shop/infer", body)
        assert answer.code == 400, what
        assert answer.json["error"], what
    assert served.infer(*REQUEST).code == 200


@pytest.mark.parametrize("size", ["x", "-1", "9" * 5000, "99"])
def test_a_wrong_size_of_the_json_is_told_so(serve: Start, size: str) -> None:
    sent = {"inference-header-content-length": size}
    answer = serve("1-float").ask("POST", "/v2/models/shop/infer", b"{}", sent)
    assert answer.code == 400


def test_a_request_without_candidates_has_no_scores(serve: Start) -> None:
    none = [
        tensor("user", "BYTES", ["3"]),
        tensor("item", "BYTES", []),
        tensor("length", "FP32", []),
    ]
    answer = serve("1-float").infer(*none)
    assert (answer.code, answer.scores()) == (200, [])


def test_a_model_answers_as_its_client_does(serve: Start) -> None:
    served = serve("1-float")
    key = expected("1-float")["id_key"]
    scores = load(STORED / "1-float", id_key=key).score(IDS).tolist()
    answer = served.infer(*REQUEST, id="x", outputs=[{"name": "probability"}])
    assert answer.scores() == pytest.approx(scores, abs=1e-6)
    assert {key: answer.json[key] for key in ("model_name", "model_version", "id")} == {
        "model_name": "shop",
        "model_version": "1",
        "id": "x",
    }


def test_an_answer_is_of_the_version_that_it_names(serve: Start) -> None:
    served = serve("1-float")
    before = served.infer(*REQUEST)
    served.publish("1-int4")
    assert served.following.look()
    after = served.infer(*REQUEST)
    assert (before.json["model_version"], after.json["model_version"]) == ("1", "2")
    assert before.scores() != after.scores()
    assert served.ask("GET", "/v2/models/shop/versions/1").code == 404
