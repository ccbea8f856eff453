"""On packages of the scenarios that are bundled, a raw value means what it did in training.

Every input of a scenario is given the same column, of one type after the other: what the log's door
and training make of it, and what the client of an untrained package does.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from pyspark.sql import SparkSession

from raw_values import TYPES, column
from secateur import scenario
from secateur.contracts.features import FeatureSchema
from secateur.encoding.numbers import numbers_in
from secateur.features.columns.encoder import ColumnEncoder
from secateur.features.columns.list_columns import split_texts
from secateur.features.columns.number_columns import Sample
from secateur.features.schema import Heading, owns_vocabulary, schema_of, vocabulary_name
from secateur.identity import fingerprint
from secateur.scenario import FieldSpec, Scenario
from secateur.serving.files import layout
from secateur.serving.scorer import Scorer
from untrained_package import untrained_scorer

from .two_sides import KEY, cell, forms, log_of, spelled

ROWS = 60
SCENARIOS = ("ecommerce", "news", "short_video", "short_video_click")
Texts = Mapping[str, tuple[pa.Array, pa.Array]]  # spelled values and their hashes, by type


@pytest.fixture(scope="module")
def texts(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Texts:
    """What the log's door makes of a column of every type."""
    columns = {name: column(name, ROWS, 5) for name in TYPES}
    folder = tmp_path_factory.mktemp("log")
    events = spelled(spark, log_of(columns), "parquet", list(columns), folder)
    combined = {name: events[name].combine_chunks() for name in events.column_names}
    return {name: (combined[name], combined[f"hash of {name}"]) for name in TYPES}


def read_by(spec: FieldSpec, settings: Scenario, text: pa.Array, hashes: pa.Array) -> pa.Array:
    """A column as the events hold it for this input."""
    if spec.hashed:
        return hashes
    absent = settings.cleaning.missing.get(spec.shares or spec.name, ())
    known = pc.if_else(pc.is_in(text, value_set=pa.array(absent, pa.string())), None, text)
    if spec.kind == "history":
        return pa.array([[] if one is None else [one] for one in known.to_pylist()], LIST)
    if spec.kind == "list":
        return split_texts(pa.chunked_array([known]), spec)
    is_counter = spec not in settings.features.fields
    return numbers_of(known) if is_counter else known


MOMENTS = ("moment", "instant", "nanoseconds")
LIST = pa.list_(pa.string())
FACTS = {"days": {"train": ["2024-03-01"]}, "rows": {"train": ROWS}}


def numbers_of(text: pa.Array) -> pa.Array:
    numbers = numbers_in(one or "" for one in text.to_pylist())
    return pa.array(numbers)


def vocabularies(settings: Scenario, texts: Texts) -> dict[str, list[str]]:
    """Every second value that an input with a vocabulary reads."""
    found = {}
    for spec in filter(owns_vocabulary, settings.features.fields):
        values = [read_by(spec, settings, *one) for one in texts.values()]
        flat = [one.flatten() if one.type == LIST else one for one in values]
        distinct = pa.concat_arrays(flat).drop_null().unique().to_pylist()
        found[vocabulary_name(spec)] = sorted(distinct)[::2]
    return found


def schema(settings: Scenario, words: Mapping[str, Sequence[str]]) -> FeatureSchema:
    sizes = {name: len(known) + 1 for name, known in words.items()}
    numbers = np.array([-5.5, 0, 0.1, 2, 7, 1e7])
    sample = Sample.of(numbers, np.arange(1, 7))
    samples = {spec.name: sample for spec in settings.features.inputs}
    heading = Heading(
        settings.name, settings.label.name, fingerprint(KEY), (), settings.cleaning.missing
    )
    return schema_of(settings.features, heading, sizes, samples)


def trained(
    settings: Scenario, made: ColumnEncoder, text: pa.Array, hashes: pa.Array
) -> dict[str, list[Any]]:
    inputs = {s.name: read_by(s, settings, text, hashes) for s in settings.features.inputs}
    return {name: one.to_pylist() for name, one in made.encode(inputs).items()}


def _cut_at_blanks(settings: Scenario) -> set[str]:
    """Lists, in which a moment's text is two values, and a service's moment one."""
    return {spec.name for spec in settings.features.fields if spec.kind == "list"}


def served(settings: Scenario, scorer: Scorer, values: Any, numbers: pa.Array) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for spec in settings.features.inputs:
        if spec.kind == "history":
            given[spec.name] = [[value] for value in values]
        elif spec.kind == "list":
            given[spec.name] = list(map(cell, values))
        else:
            given[spec.name] = values if spec in settings.features.fields else numbers
    found = scorer.repeat_request(scorer.encode(given))
    numeric = found.get(layout.NUMBERS, np.zeros((ROWS, 0))).T.tolist()
    ids_of = {
        scorer.schema.fields[place].name: found[name][:, j].tolist()
        for name, places in scorer._runtime.id_places.items()
        for j, place in enumerate(places)
    }
    lists = {
        one.name: [
            [i for i in row if i >= 0] for row in found[layout.list_input(one.name)].tolist()
        ]
        for one in scorer.schema.lists
    }
    names = (field.name for field in scorer.schema.numbers)
    return {**ids_of, **dict(zip(names, numeric, strict=True)), **lists}


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_value_of_every_type_means_what_it_did_in_training(
    texts: Texts, tmp_path: Path, name: str
) -> None:
    settings = scenario.load_scenario(name)
    words = vocabularies(settings, texts)
    fields = schema(settings, words)
    known = {name: pa.array(values, pa.string()) for name, values in words.items()}
    made = ColumnEncoder(fields, known)
    scorer = untrained_scorer(fields, words, tmp_path / "package", FACTS, settings.training, KEY)
    differing = []
    for kind, (text, hashes) in texts.items():
        expected = trained(settings, made, text, hashes)
        for form, values in forms(column(kind, ROWS, 5)):
            if form in ("list", "arrow array", "array"):
                found = served(settings, scorer, values, numbers_of(text).to_pylist())
                assert found.keys() == expected.keys()
                compared = found.keys() - (_cut_at_blanks(settings) if kind in MOMENTS else set())
                differing += [f"{kind} {form} {n}" for n in compared if found[n] != expected[n]]
    assert differing == []


def test_the_scenarios_are_all_that_are_bundled() -> None:
    assert sorted(path.stem for path in scenario.SCENARIOS.glob("*.toml")) == sorted(SCENARIOS)
