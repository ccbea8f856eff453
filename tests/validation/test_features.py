"""Every kind of input is held against its field; splits, days and vocabularies against promises."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from secateur.contracts.errors import ValidationRefused
from secateur.validation import suite_runner
from secateur.validation.suites.vocabulary_suites import vocabulary_suites
from small_events import Nights, failed, report_of
from small_features import DAYS, SCHEMA, VOCABULARY, SmallFeatures
from small_log import milliseconds, sealed

NAN, INF = float("nan"), float("inf")
SHAPES = "numbers, lists and vectors"
PAIR = "None expect_column_pair_values_"


def validate(nights: Nights, features: SmallFeatures, *settings: str) -> set[str]:
    """The rules that broke."""
    features.seal(nights.folder / "features")
    return validated(nights, *settings)


def validated(nights: Nights, *settings: str) -> set[str]:
    output = nights.folder / "report"
    flags = {"features": nights.folder / "features", "output": output}
    try:
        report = report_of(nights.run("validate_features", *settings, **flags))
        assert report.success
    except ValidationRefused as refusal:
        assert str(output) in str(refusal)
        report = report_of(sealed(str(output)))
        assert not report.success
    return failed(report)


def limits(**rates: float) -> tuple[str, str]:
    """Settings that limit the unknown values of these fields, and of no others."""
    fields = ", ".join(f'{{name = "{name}", owner = "item"}}' for name in rates)
    limited = ", ".join(f"{name} = {rate}" for name, rate in rates.items())
    return f"features.fields=[{fields}]", f"validation.max_oov_rate={{{limited}}}"


def test_features_of_every_kind_pass(nights: Nights) -> None:
    settings = limits(item=0.3, words=0.5, taken=0.5)
    assert validate(nights, SmallFeatures(), *settings) == set()
    report = report_of(sealed(str(nights.folder / "report")))
    shapes = {one.column: one.rule for one in report.expectations if one.suite == SHAPES}
    assert shapes == {
        "price": "finite",
        "score": "in [0, 1]",
        "words": "at most 3 ids in 0..5",
        "taken": "at most 4 ids in 0..4",
        "embedding": "2 finite numbers",
    }


TAMPERINGS = {
    "price": [None, NAN, INF, -INF],
    "score": [None, NAN, 1.0001, -0.0001],
    "words": [None, [6], [-1], [None], [0, 0, 0, 0]],
    "taken": [None, [5], [0] * 5],
    "embedding": [None, [], [0.0], [0.0, 0.0, 0.0], [0.0, NAN], [INF, 0.0], [None, 0.0]],
}


def test_every_tampering_with_a_row_is_found(nights: Nights) -> None:
    features = SmallFeatures()
    for column, values in TAMPERINGS.items():
        for row, value in enumerate(values):
            features.put("train", column, value, row)
    assert {rule.rpartition(": ")[2].split()[0] for rule in validate(nights, features)} == set(
        TAMPERINGS
    )
    report = report_of(sealed(str(nights.folder / "report")))
    counts = {
        one.column: one.observed["unexpected_count"]
        for one in report.expectations
        if one.suite == SHAPES
    }
    assert counts == {column: len(values) for column, values in TAMPERINGS.items()}


def an_id_twice(features: SmallFeatures) -> None:
    features.vocabulary["id"][-1] = 0


def another_size_than_shared(features: SmallFeatures) -> None:
    features.with_list("taken", size=6)


def shared_with_nobody(features: SmallFeatures) -> None:
    features.with_list("taken", shares="gone")


def a_vocabulary_of_no_field(features: SmallFeatures) -> None:
    features.schema = replace(features.schema, lists=SCHEMA.lists[1:])


OF_VOCABULARIES: dict[Callable[[SmallFeatures], None], str] = {
    an_id_twice: "vocabulary",
    another_size_than_shared: "shared vocabularies",
    shared_with_nobody: "shared vocabularies",
    a_vocabulary_of_no_field: "vocabulary",
}


@pytest.mark.parametrize("tamper", OF_VOCABULARIES, ids=lambda f: f.__name__)
def test_a_broken_vocabulary_is_named(tamper: Callable[[SmallFeatures], None]) -> None:
    features = SmallFeatures()
    tamper(features)
    suites = vocabulary_suites(features.schema, pa.table(features.vocabulary, VOCABULARY))
    found = suite_runner.report("features", 40, suite_runner.run_suites(suites))
    assert failed(found) == {f"{OF_VOCABULARIES[tamper]}: {PAIR}to_be_equal"}


def missing_split(features: SmallFeatures, folder: Path) -> None:
    features.seal(folder, splits=("train", "tune"))


def empty_day(features: SmallFeatures, folder: Path) -> None:
    features.days["2024-03-02"] = {name: [] for name in features.days["2024-03-02"]}
    features.seal(folder)


def day_of_another_split(features: SmallFeatures, folder: Path) -> None:
    features.put("train", "day", "2024-03-03").seal(folder)


def renamed_column(features: SmallFeatures, folder: Path) -> None:
    at = features.types.get_field_index("price")
    features.types = features.types.set(at, features.types.field(at).with_name("cost"))
    for rows in features.days.values():
        rows["cost"] = rows["price"]
    features.seal(folder)


def later_than_the_next_split(features: SmallFeatures, folder: Path) -> None:
    features.put("train", "time_ms", milliseconds("2024-03-03", 5)).seal(folder)


def slice_task_and_vocabulary(features: SmallFeatures, folder: Path) -> None:
    """A row neither in nor out of a slice, a task that no row tells, and an id twice."""
    features.put("tune", "slice_0", 2).put("confirm", "slice_0", None)
    for rows in features.days.values():
        rows["label_saved"] = [None] * len(rows["label_saved"])
    an_id_twice(features)
    features.seal(folder)


MEASURES = ("rows", "users", "positives", "negatives")
BROKEN: dict[Callable[[SmallFeatures, Path], None], set[str]] = {
    missing_split: {
        f"confirm columns: {name} expect_column_to_exist" for name in SmallFeatures().types.names
    },
    empty_day: {
        "days of the splits: rows expect_column_values_to_be_between",
        *(f"held-out parts: {measure} at least 1 " for measure in MEASURES),
    },
    day_of_another_split: {
        "days of the splits: promised expect_column_values_to_be_in_set",
        f"order in time: {PAIR}a_to_be_greater_than_b",
    },
    renamed_column: {f"{split} columns: price expect_column_to_exist" for split in DAYS},
    later_than_the_next_split: {f"order in time: {PAIR}a_to_be_greater_than_b"},
    slice_task_and_vocabulary: {
        "slices: slice_0 0 or 1: new_user",
        "all splits: label_saved expect_column_distinct_values_to_equal_set",
        f"vocabulary: {PAIR}to_be_equal",
    },
}


@pytest.mark.parametrize("tamper", BROKEN, ids=lambda f: f.__name__)
def test_what_is_broken_is_named(
    tamper: Callable[[SmallFeatures, Path], None], nights: Nights
) -> None:
    tamper(SmallFeatures(), nights.folder / "features")
    assert validated(nights) == BROKEN[tamper]


def test_a_late_event_may_be_older_where_late_events_are_kept(nights: Nights) -> None:
    features = SmallFeatures().put("tune", "time_ms", milliseconds("2024-03-02", 50))
    assert validate(nights, features) == {f"order in time: {PAIR}a_to_be_greater_than_b"}
    assert validated(nights, "cleaning.late_days=1") == set()


def test_unknown_values_of_lists_are_limited_too(nights: Nights) -> None:
    features = SmallFeatures()
    ids = [id_ for ids in features.days["2024-03-04"]["words"] for id_ in ids]
    share = ids.count(5) / len(ids)
    assert validate(nights, features, *limits(words=share)) == set()
    found = validated(nights, *limits(words=share - 0.01))
    assert found == {"share of unknown values: words expect_column_values_to_be_between"}


def test_a_limit_on_a_field_that_is_gone_is_no_pass(nights: Nights) -> None:
    found = validate(nights, SmallFeatures(), *limits(gone=0.9))
    assert found == {"share of unknown values: gone expect_column_values_to_be_between"}


def test_features_of_one_kind_only_pass(nights: Nights, spark: SparkSession) -> None:
    features = SmallFeatures()
    features.schema = replace(SCHEMA, numbers=(), lists=(), vectors=(), slices=())
    features.vocabulary = {name: rows[:6] for name, rows in features.vocabulary.items()}
    assert validate(nights, features, "validation.min_rules=30") == set()
