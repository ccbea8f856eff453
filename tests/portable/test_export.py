"""A package as one ONNX file: stock ONNX Runtime scores raw values as the client does."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from secateur.contracts.errors import UsageError
from secateur.contracts.features import FeatureSchema
from secateur.encoding.spelling import canonical
from secateur.identity import hash_id
from secateur.portable import raw_fields
from secateur.portable.check import raw_inputs
from secateur.portable.export import export_onnx
from secateur.serving.files import layout
from secateur.serving.scorer import Scorer, load

STORED = sorted((Path(__file__).parents[1] / "packages").glob("[1-9]-*"))
BY_NAME = {folder.name: folder for folder in STORED}


def session_of(model: bytes) -> onnxruntime.InferenceSession:
    """What any service in any language starts."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def hashed(schema: FeatureSchema, columns: dict[str, Any], key: str) -> dict[str, Any]:
    """The columns with users as keyed hashes, as a service makes them."""
    found = dict(columns)
    for field in schema.categories:
        if field.hashed:
            spelled = map(canonical, columns[field.name])
            found[field.name] = [text and hash_id(key.encode(), text) for text in spelled]
    return found


def both(folder: Path) -> tuple[Scorer, dict[str, Any], onnxruntime.InferenceSession]:
    """The client, raw columns with hashed users, and the portable model."""
    held = json.loads((folder / "expected.json").read_text())
    scorer = load(folder, id_key=held["id_key"])
    columns = hashed(scorer.schema, held["columns"], held["id_key"])
    return scorer, columns, session_of(export_onnx(folder, {}).model)


@pytest.mark.parametrize("folder", STORED, ids=lambda folder: folder.name)
def test_raw_values_score_as_in_the_client(folder: Path) -> None:
    """Of every form of package: odd spellings, gaps, strangers and lists that are too long."""
    scorer, columns, session = both(folder)
    expected = scorer.score_tasks(columns, hashed=True)
    tasks = [layout.task_output(task) for task in scorer.schema.tasks]
    found = session.run([layout.PROBABILITY, *tasks], raw_inputs(scorer.schema, columns))
    for (task, scores), one in zip(expected.items(), found, strict=True):
        assert one == pytest.approx(scores, abs=1e-6), task
        assert scores.std() > 0.005


@pytest.mark.parametrize("name", ["1-int8", "2-kinds", "4-attention", "5-request", "6-int8"])
def test_what_is_given_once_stands_for_all_candidates(name: str) -> None:
    scorer, columns, session = both(BY_NAME[name])
    inputs = raw_inputs(scorer.schema, columns)
    shared = [field.name for field in scorer.schema.inputs if field.owner != "item"]
    every = dict(inputs)
    rows = len(next(iter(inputs.values())))
    for one in shared:
        every[one] = np.repeat(inputs[one][:1], rows, axis=0)
    once = every | {one: inputs[one][:1] for one in shared}
    (repeated,) = session.run([layout.PROBABILITY], every)
    (given_once,) = session.run([layout.PROBABILITY], once)
    assert given_once == pytest.approx(repeated, abs=1e-6)
    assert len({*given_once.tolist()}) > 1


def test_numbers_at_every_edge_score_as_in_the_client() -> None:
    folder = BY_NAME["8-counters"]
    scorer, columns, session = both(folder)
    schema = scorer.schema
    odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, -1.0, 1e300, -1e300, 1e-300, 2**53, 18, 40, 0.1]
    edges = [knot for field in schema.numbers for knot in field.knots]
    values = [*odd, *edges, *(b for field in schema.buckets for b in field.boundaries)]
    single = {name: column[:1] for name, column in columns.items()}
    many = {name: [column[0]] * len(values) for name, column in columns.items()}
    assert single.keys() == many.keys()
    for field in (*schema.buckets, *schema.numbers):
        given = {**many, field.name: values}
        expected = scorer.score(given, hashed=True)
        (found,) = session.run([layout.PROBABILITY], raw_inputs(schema, given))
        assert found == pytest.approx(expected, abs=1e-6), field.name


def test_lists_of_every_length_score_as_in_the_client() -> None:
    """Padded at the end or in the middle; one that means nothing alone means something in two."""
    folder = BY_NAME["8-counters"]
    scorer, columns, session = both(folder)
    rng = np.random.default_rng(3)
    for field in scorer.schema.lists:
        values = ["red", "007", "click", "buy", "101", "119", "none", "unseen", "", "0"]
        drawn = [list(rng.choice(values, size)) for size in range(1, 9) for _ in range(6)]
        matrix = np.full((len(drawn), 9), "", object)
        for place, row in enumerate(drawn):
            matrix[place, : len(row)] = row
        many = {name: [column[0]] * len(drawn) for name, column in columns.items()}
        # What is padded, or missing, is no part of a row.
        rows = [[str(one) for one in row if one] for row in drawn]
        expected = scorer.score({**many, field.name: rows}, hashed=True)
        inputs = raw_inputs(scorer.schema, many) | {field.name: matrix}
        (found,) = session.run([layout.PROBABILITY], inputs)
        assert found == pytest.approx(expected, abs=1e-6), field.name


def test_the_file_is_standard_and_tells_what_it_is() -> None:
    folder = BY_NAME["2-kinds"]
    made = export_onnx(folder, {"release": "7"})
    model = onnx.load_model_from_string(made.model)
    onnx.checker.check_model(model, full_check=True)
    assert {one.domain for one in model.opset_import} == {"", "ai.onnx.ml"}
    assert {one.name for one in model.graph.input} == {f.name for f in load(folder).schema.inputs}
    facts = {one.key: one.value for one in model.metadata_props}
    assert (facts["release"], facts["scenario"]) == ("7", "all_kinds")
    assert export_onnx(folder, {"release": "7"}).model == made.model
    assert made.check.difference <= 1e-6


def test_an_input_named_as_an_output_is_refused() -> None:
    with pytest.raises(UsageError, match="probability"):
        raw_fields.demand_names(["user", "probability"], [layout.PROBABILITY])
