"""An input that tells the label all by itself is found, whatever its kind; honest ones are not."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from secateur import scenario
from secateur.artifacts import Artifact
from secateur.contracts.errors import ValidationRefused
from secateur.contracts.features import (
    BucketField,
    CategoryField,
    FeatureSchema,
    ListField,
    NumberField,
    VectorField,
)
from secateur.validation.single_feature_auc import single_feature_aucs
from small_log import receipt, run_verb, sealed

ROWS = 4000
SCHEMA = FeatureSchema(
    scenario="told",
    label="liked",
    categories=(
        CategoryField("kind", "item", 4, 1),
        CategoryField("row", "context", ROWS + 1, 1),
        CategoryField("seconds", "context", ROWS + 1, 1),
        CategoryField("item", "item", 41, 1),
    ),
    buckets=(BucketField("part", "item", (1.0, 2.0)),),
    id_key="ab" * 8,
    numbers=(NumberField("folded", "item", "log"), NumberField("noise", "item", "log")),
    lists=(ListField("words", "item", 6, 3, " "), ListField("tags", "item", 6, 3, " ")),
    vectors=(VectorField("embedding", "item", 3, ","),),
    tasks=("saved",),
)
VOCABULARY = pa.table(
    {
        "field": ["row"] * ROWS + ["seconds"] * ROWS,
        "id": [*range(ROWS), *range(ROWS)],
        "value": [*(f"row {n}" for n in range(ROWS)), *(str(n) for n in range(ROWS))],
    }
)


@pytest.fixture(scope="module")
def found() -> dict[str, float]:
    dice = np.random.default_rng(0)
    label = (dice.random(ROWS) < 0.3).astype(np.int8)
    quality = dice.normal(size=40)
    item = np.where(label, dice.choice(40, ROWS, p=softmax(quality)), dice.integers(0, 40, ROWS))
    seconds = np.where(label, dice.integers(2000, ROWS, ROWS), dice.integers(0, 2000, ROWS))
    folded = np.where(
        label, dice.choice([-1, 1], ROWS) * (1 + dice.random(ROWS)), dice.random(ROWS)
    )
    saved = [None if n % 3 else int(n % 2) for n in range(ROWS)]
    columns = {
        "kind": label * 2 + dice.integers(0, 2, ROWS),
        "row": np.arange(ROWS),
        "seconds": seconds,
        "item": item,
        "part": np.array([n % 2 for n in range(ROWS)]),
        "folded": folded.astype(np.float32),
        "noise": dice.normal(size=ROWS).astype(np.float32),
        "words": [
            [int(one) + 3, int(n)] for one, n in zip(label, dice.integers(0, 3, ROWS), strict=True)
        ],
        "tags": [[] if n % 2 else [int(n) % 5] for n in dice.integers(0, 9, ROWS)],
        "embedding": [
            [0.0, float(one), x] for one, x in zip(label, dice.random(ROWS), strict=True)
        ],
        "label": label,
        "label_saved": pa.array(saved, pa.int8()),
    }
    return single_feature_aucs(pa.table(columns), SCHEMA, VOCABULARY)


def softmax(values: np.ndarray) -> np.ndarray:
    return np.exp(values) / np.exp(values).sum()


@pytest.mark.parametrize("name", ["kind", "seconds", "folded", "words", "embedding"])
def test_an_input_that_is_the_outcome_is_told(name: str, found: dict[str, float]) -> None:
    assert found[name] > 0.99


def test_a_task_that_an_input_tells_counts_too(found: dict[str, float]) -> None:
    assert found["part"] > 0.99


def test_honest_inputs_and_the_name_of_a_row_tell_little(found: dict[str, float]) -> None:
    assert {name: round(found[name], 1) for name in ("row", "noise", "tags")} == {
        "row": 0.5,
        "noise": 0.5,
        "tags": 0.5,
    }
    assert 0.55 < found["item"] < 0.85


def test_a_few_rows_prove_nothing() -> None:
    few = {"kind": [0, 1] * 20, "label": pa.array([0, 1] * 20, pa.int8())}
    assert single_feature_aucs(pa.table(few), SCHEMA, VOCABULARY) == {"kind": 0.5}


@pytest.mark.parametrize(
    "kind",
    ["category", *(pytest.param(kind, marks=pytest.mark.proof) for kind in ("bucket", "number"))],
)
def test_the_time_played_is_no_input_for_a_long_view(
    kind: str, real_events: Artifact, tmp_path: Path
) -> None:
    fields = (
        "{name='user_id', owner='user', hashed=true}, {name='video_id', owner='item'}, "
        f"{{name='play_time_ms', owner='context', kind='{kind}'}}"
    )
    settings = scenario.load_scenario(
        "short_video",
        (
            f"features.fields=[{fields}]",
            "features.tune_days=1",
            "features.confirm_days=1",
            "features.counters=[]",
            "validation.max_oov_rate={}",
            "validation.min_rows=1",
        ),
    )
    events = receipt(real_events, tmp_path / "events")
    built = tmp_path / "features"
    run_verb("build_features", settings, events=real_events.uri, validation=events, output=built)
    with pytest.raises(ValidationRefused, match=r"each input alone: auc .*play_time_ms"):
        run_verb("validate_features", settings, features=built, output=tmp_path / "report")
    assert sealed(str(tmp_path / "report")).manifest.facts["success"] is False
