"""From raw files to a package: every place that reads a value reads it alike, whatever its type."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from secateur import scenario
from secateur.artifacts import Artifact
from secateur.contracts.features import FeatureSchema
from secateur.serving.scorer import Scorer
from small_log import run_verb, sealed
from typed_log import (
    BAD_PRICE,
    DAYS,
    ITEMS,
    OF_LABELS,
    SCENARIO,
    Write,
    csv,
    csv_with_a_side_table_of_doubles,
    doubles,
    flat_row,
    integers,
    json_lines,
    rows_of,
)
from untrained_package import untrained_scorer


def built(write: Write, folder: Path) -> Artifact:
    """The FeatureSet of the log in one form."""
    log, file = folder / "log", folder / "typed.toml"
    file.write_text(SCENARIO.format(uri=log, format=write(log)))
    settings = scenario.load_scenario(str(file), ())
    run_verb("clean_events", settings, output=folder / "events")
    events = sealed(str(folder / "events"))
    bad = sum(row["price"] == BAD_PRICE for day in range(DAYS) for row in rows_of(day))
    assert events.manifest.facts["reasons"] == {"odd_price": bad}
    repeated = sum(rows_of(day)[0]["price"] != BAD_PRICE for day in range(DAYS))
    assert events.manifest.facts["deduplicated"] == repeated > 0
    run_verb("validate_events", settings, events=folder / "events", output=folder / "report")
    told = {"events": folder / "events", "validation": folder / "report"}
    run_verb("build_features", settings, **told, output=folder / "features")
    return sealed(str(folder / "features"))


@pytest.fixture(scope="module")
def plain(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Artifact:
    return built(csv, tmp_path_factory.mktemp("plain"))


# Of the types of the others test_parity.py says the same, a column at a time.
SLOW = [
    pytest.param(write, marks=pytest.mark.proof)
    for write in (csv_with_a_side_table_of_doubles, doubles, integers)
]


@pytest.mark.parametrize("write", [json_lines, *SLOW], ids=lambda write: write.__name__)
def test_every_form_of_a_log_gives_the_same_features(
    plain: Artifact, tmp_path: Path, write: Write
) -> None:
    found = built(write, tmp_path)
    assert found.file("schema.json").read_bytes() == plain.file("schema.json").read_bytes()
    assert found.manifest.facts["content"] == plain.manifest.facts["content"]


def scorer_of(features: Artifact, folder: Path) -> Scorer:
    schema: FeatureSchema = features.read("schema.json", FeatureSchema)
    table = pq.read_table(features.folder / "vocabulary.parquet").to_pydict()
    words: dict[str, list[str]] = {field.name: [] for field in schema.vocabularies}
    for field, value in zip(table["field"], table["value"], strict=True):
        words[field].append(value)
    return untrained_scorer(schema, words, folder, features.manifest.facts)


def test_the_client_finds_what_training_learned(plain: Artifact, tmp_path: Path) -> None:
    schema: FeatureSchema = plain.read("schema.json", FeatureSchema)
    sizes = {field.name: field.size for field in schema.categories}
    cities, zones, births = 3, 3, 4
    known = {"uid": 8, "item": ITEMS, "author": 6, "is_new": 3}
    assert sizes == known | {"zone": zones, "born": births, "geo.city": cities}

    rows = {row["at"]: flat_row(row) for day in range(DAYS) for row in rows_of(day)}
    files = sorted(plain.folder.glob("t*/*.parquet"))
    trained = pa.concat_tables([pq.ParquetFile(f).read() for f in files], promote_options="default")
    given = [rows[at] for at in trained["time_ms"].to_pylist()]
    columns = {n: [row[n] for row in given] for n in given[0] if n not in OF_LABELS}
    read = {field.name for field in schema.inputs}
    others = {name: [None] * len(given) for name in read - columns.keys()}
    scorer = scorer_of(plain, tmp_path / "package")
    found = scorer.repeat_request(scorer.encode({**columns, **others}))
    ids = {
        schema.fields[place].name: found[name][:, j].tolist()
        for name, places in scorer._runtime.id_places.items()
        for j, place in enumerate(places)
    }
    of_columns = columns.keys() & ids.keys()
    assert {n: ids[n] for n in of_columns} == {n: trained[n].to_pylist() for n in of_columns}
    numbers = [field.name for field in schema.numbers]
    paid = found["numbers"][:, numbers.index("is_paid")]
    assert np.array_equal(paid, trained["is_paid"].to_numpy())
    tags = [[one for one in row if one >= 0] for row in found["list_tags"].tolist()]
    assert tags == trained["tags"].to_pylist()
    assert found["vectors"].tolist() == trained["place"].to_pylist()
    oov = {field.name: field.oov for field in schema.fields}
    unknown = {name: sum(i == oov[name] for i in ids[name]) for name in of_columns}
    without_price = sum(row["price"] == -1 for row in given)
    without_zone = sum(row["zone"] == 9 for row in given)
    expected = dict.fromkeys(of_columns, 0) | {"price": without_price, "zone": without_zone}
    assert unknown == expected
    assert without_price > 0
    assert without_zone > 0
