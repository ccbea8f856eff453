"""Features on which nothing could be judged or learned are refused, and the words say why."""

from collections.abc import Callable
from dataclasses import replace

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from bad_input_page import told_cases
from secateur.contracts.errors import ValidationRefused
from secateur.scenario import load_scenario
from secateur.validation import sealed_frames, suite_runner
from secateur.validation.suites.split_suites import malformed_suites, part_suites
from secateur.validation.suites.vocabulary_suites import vocabulary_suites
from small_events import Nights
from small_features import DAYS, SCHEMA, VOCABULARY, SmallFeatures

LEAST = ("validation.min_rows_a_split=10", "validation.min_users_a_split=3")
PARTS = "held-out parts: "
# 40 rows are in the four days.
VALUES = {
    "unread": {
        "embedding": {"missing": 30, "malformed": 5},
        "words": {"missing": 0, "malformed": 1},
    },
    "rows": {"train": 20, "tune": 10, "confirm": 10},
}


def one_user(features: SmallFeatures) -> None:
    features.fill("confirm", "user_hash", "hash-0")


def one_row(features: SmallFeatures) -> None:
    for name, values in features.days[DAYS["tune"][0]].items():
        features.days[DAYS["tune"][0]][name] = values[:1]


def one_class(features: SmallFeatures) -> None:
    features.fill("confirm", "label", 1)


def one_user_stops_the_training(features: SmallFeatures) -> None:
    features.days[DAYS["train"][-1]]["user_hash"] = ["hash-1"] * 10


def empty_vocabulary(features: SmallFeatures) -> None:
    _, tag = SCHEMA.categories
    lonely = replace(tag, size=1)
    features.schema = replace(SCHEMA, categories=(SCHEMA.categories[0], lonely))
    for rows in features.days.values():
        rows["tag"] = [0] * len(rows["tag"])
    kept = [n for n, name in enumerate(features.vocabulary["field"]) if name != "tag"]
    features.vocabulary = {k: [v[n] for n in kept] for k, v in features.vocabulary.items()}


def malformed_vectors(features: SmallFeatures) -> None:
    features.facts = VALUES


REFUSED: dict[Callable[[SmallFeatures], None], str] = {
    one_user: f"{PARTS}users at least 3 (min_users_a_split): "
    "found [{'users': 1, 'part': 'confirm'}]",
    one_row: f"{PARTS}rows at least 10 (min_rows_a_split): found [{{'rows': 1, 'part': 'tune'}}]",
    one_class: f"{PARTS}negatives at least 1 (else it has no AUC): "
    "found [{'negatives': 0, 'part': 'confirm'}]",
    one_user_stops_the_training: f"{PARTS}users at least 3 (min_users_a_split): "
    "found [{'users': 1, 'part': \"the training's holdout\"}]",
    empty_vocabulary: "sizes of vocabularies: values a value that min_count train rows have: is a "
    "column empty, or a join?: found [{'values': 0, 'field': 'tag'}]",
    malformed_vectors: "lists and vectors: embedding the share of malformed rows <= 0.1 "
    "(malformed_budget): found 0.5",
}


def test_the_page_tells_of_every_case_what_is_said() -> None:
    told = told_cases("Days and splits")
    assert told.keys() == {fault.__name__ for fault in REFUSED} | {"poor_day"}
    for fault, message in REFUSED.items():
        assert told[fault.__name__].strip("`") in message


def validate(nights: Nights, features: SmallFeatures, *settings: str) -> None:
    features.seal(nights.folder / "features")
    flags = {"features": nights.folder / "features", "output": nights.folder / "report"}
    nights.run("validate_features", *settings, **flags)


@pytest.mark.parametrize("fault", REFUSED, ids=lambda fault: fault.__name__)
def test_the_refusal_says_what_is_too_little(
    fault: Callable[[SmallFeatures], None], nights: Nights, spark: SparkSession
) -> None:
    features = SmallFeatures()
    fault(features)
    sealed = features.seal(nights.folder / "features")
    settings = (*LEAST, "validation.malformed_budget=0.1")
    validation = load_scenario(str(nights.folder / "watched.toml"), settings).validation
    suites = [
        *part_suites(sealed_frames.splits(spark, sealed.folder), DAYS["train"][-1:], validation),
        *malformed_suites(features.facts, validation),
        *vocabulary_suites(features.schema, pa.table(features.vocabulary, VOCABULARY)),
    ]
    report = suite_runner.report(sealed.digest, 40, suite_runner.run_suites(suites))
    assert not report.success
    assert REFUSED[fault] in suite_runner.failures(report)


def test_all_that_is_too_little_is_refused_at_once(nights: Nights) -> None:
    features = SmallFeatures()
    for fault in (one_user_stops_the_training, empty_vocabulary, malformed_vectors):
        fault(features)
    with pytest.raises(ValidationRefused) as refusal:
        validate(nights, features, *LEAST, "validation.malformed_budget=0.1")
    for fault in (one_user_stops_the_training, empty_vocabulary, malformed_vectors):
        assert REFUSED[fault] in str(refusal.value)


def test_what_is_just_enough_passes(nights: Nights) -> None:
    features = SmallFeatures(facts=VALUES)
    validate(nights, features, *LEAST, "validation.malformed_budget=0.5")


def test_the_defaults_refuse_ten_rows_of_three_users(nights: Nights) -> None:
    text = (nights.folder / "watched.toml").read_text()
    for key in ("rows", "users"):
        text = text.replace(f"min_{key}_a_split = 1\n", "")
    (nights.folder / "watched.toml").write_text(text)
    with pytest.raises(ValidationRefused) as refusal:
        validate(nights, SmallFeatures())
    for part in ("tune", "confirm", "the training's holdout"):
        assert part in str(refusal.value)
    assert "users at least 10" in str(refusal.value)
    assert "rows at least 20" in str(refusal.value)
