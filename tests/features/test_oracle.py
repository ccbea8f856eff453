"""Every value and id of every row is what plain Python makes of the log, row against row."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import oracle
import pandas as pd
import pytest
from plans import Built, Learned, built
from pyspark.sql import SparkSession
from rich_log import SPLITS, RichLog, Row, day_of

from secateur.artifacts import Artifact
from secateur.encoding.spelling import canonical
from secateur.scenario import FieldSpec


@pytest.fixture(scope="module")
def whole(
    spark: SparkSession,
    rich: RichLog,
    rich_events: Artifact,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Built, Learned]]:
    folder = tmp_path_factory.mktemp("oracle")
    with built(spark, rich_events, rich.scenario(), folder / "state") as found:
        yield found, found.learn(folder)


@pytest.fixture(scope="module")
def rows(whole: tuple[Built, Learned]) -> pd.DataFrame:
    """All rows of all splits with their raw values."""
    found, learned = whole
    return found.rows(learned, *SPLITS)


@pytest.fixture(scope="module")
def learned(whole: tuple[Built, Learned]) -> Learned:
    return whole[1]


@pytest.fixture(scope="module")
def log(everything: list[Row]) -> list[Row]:
    """The log's events with a label, in the order of `rows`."""
    return [row for row in everything if row["label"] is not None]


@pytest.fixture(scope="module")
def everything(rich: RichLog) -> list[Row]:
    """The log's events, those of context too, their items' columns joined."""
    order = ("time_ms", "uid", "day", "item")
    whole = list(map(oracle.timed, oracle.joined(rich.rows, rich.items)))
    specs = {spec.name: spec for spec in rich.scenario().features.fields}

    def key(row: Row) -> tuple[object, ...]:
        shelf = np.array(oracle.pieces(row["shelf"], specs["shelf"]), object)
        return (*(str(row[name]) for name in order), str(shelf), str(row["label"]))

    return sorted(whole, key=key)


@pytest.fixture(scope="module")
def specs(rich: RichLog) -> dict[str, FieldSpec]:
    return {spec.name: spec for spec in rich.scenario().features.fields}


def column(rows: pd.DataFrame, name: str) -> list[object]:
    """A column as plain values: lists, and None for what is missing."""
    return [
        v.tolist() if isinstance(v, np.ndarray) else None if v is None or v != v else v  # noqa: PLR0124
        for v in rows[name]
    ]


def test_the_log_has_simultaneous_late_and_other_events(
    log: list[Row], everything: list[Row], rows: pd.DataFrame
) -> None:
    assert len(rows) == len(log) < len(everything) - 20
    moments = Counter((row["uid"], row["time_ms"]) for row in log)
    assert sum(n > 1 for n in moments.values()) > 50
    assert sum(day_of(row["time_ms"]) < row["day"] for row in log) > 20


def test_counters_are_those_of_a_replay_of_the_log(
    rich: RichLog, rows: pd.DataFrame, log: list[Row], everything: list[Row]
) -> None:
    for counter in rich.scenario().features.counters:
        expected = [oracle.counted(row, everything, counter) for row in log]
        for measure in counter.measures:
            name = counter.field(measure)
            assert column(rows, f"value_{name}") == [row[name] for row in expected], name
            assert len({row[name] for row in expected}) > (2 if counter.of_single_events else 4)


@pytest.mark.parametrize("name", ["likes", "seen", "visit"])
def test_a_history_holds_the_last_values_before_the_event(
    name: str,
    rows: pd.DataFrame,
    log: list[Row],
    everything: list[Row],
    specs: dict[str, FieldSpec],
) -> None:
    expected = pd.DataFrame([oracle.history(row, everything, specs[name]) for row in log])
    for made in expected.columns:
        assert column(rows, f"value_{made}") == expected[made].tolist()
    assert Counter(map(len, expected[name]))[specs[name].length] > 30


@pytest.mark.parametrize("name", ["words", "shelf"])
def test_a_list_holds_the_first_values_between_separators(
    name: str, rows: pd.DataFrame, log: list[Row], specs: dict[str, FieldSpec]
) -> None:
    expected = [oracle.pieces(row[name], specs[name]) for row in log]
    assert column(rows, f"value_{name}") == expected
    assert {len(values) for values in expected} >= {0, specs[name].length}


def test_hours_and_weekdays_are_those_where_the_log_was_written(
    rows: pd.DataFrame, log: list[Row]
) -> None:
    assert column(rows, "value_hour") == [float(row["hour"]) for row in log]
    assert column(rows, "value_weekday") == [row["weekday"] for row in log]
    assert len(set(rows["value_hour"])) == 12


def test_a_vector_is_whole_or_all_zeros(
    rows: pd.DataFrame, log: list[Row], specs: dict[str, FieldSpec]
) -> None:
    expected = [oracle.vector(row["embedding"], specs["embedding"]) for row in log]
    assert column(rows, "value_embedding") == expected
    assert column(rows, "embedding") == [vector or [0.0, 0.0, 0.0] for vector in expected]
    assert None in expected


def test_a_row_keeps_its_label_and_its_tasks(rows: pd.DataFrame, log: list[Row]) -> None:
    for name in ("label", "label_saved"):
        assert column(rows, name) == [row[name] for row in log]
    assert {row["label_saved"] for row in log} == {0, 1, None}


@pytest.mark.parametrize("name", ["price", "dwell.time", "score"])
def test_a_number_is_scaled_by_its_train_days(
    name: str, rows: pd.DataFrame, log: list[Row], learned: Learned
) -> None:
    numbers = np.array([oracle.number(row[name]) for row in log])
    finite = np.isfinite(numbers)
    train = numbers[finite & np.array([row["day"] in SPLITS["train"] for row in log])]
    expected = {
        "price": lambda: np.sign(numbers) * np.log(1 + np.abs(numbers)),
        "dwell.time": lambda: (numbers - train.mean()) / train.std(),
        "score": lambda: shares(train, numbers),
    }[name]()
    np.testing.assert_allclose(rows[name], np.where(finite, expected, 0), rtol=1e-6)
    assert rows[name].dtype == np.float32
    values = pd.Series(column(rows, f"value_{name}"), dtype=float)
    np.testing.assert_array_equal(values, np.where(finite, numbers, np.nan))
    assert 0 < finite.mean() < 1


@pytest.mark.parametrize("name", ["uid_7d_stay.s_from_2.5_rate", "item_7d_stay.s_from_1_events"])
def test_a_counter_is_standardised_by_its_train_days_and_by_logarithm_but_for_rates(
    name: str, rows: pd.DataFrame, log: list[Row], everything: list[Row], rich: RichLog
) -> None:
    (counter,) = (c for c in rich.scenario().features.counters if name in map(c.field, c.measures))
    counted = [oracle.counted(row, everything, counter)[name] for row in log]
    numbers = pd.Series(counted, dtype=float).to_numpy()
    numbers = numbers if name.endswith("rate") else np.log(1 + numbers)
    train = numbers[[row["day"] in SPLITS["train"] for row in log]]
    expected = (numbers - np.nanmean(train)) / np.nanstd(train)
    np.testing.assert_allclose(rows[name], np.nan_to_num(expected), rtol=1e-5, atol=1e-6)
    assert np.ptp(expected[np.isfinite(expected)]) > 1


def shares(train: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    knots = np.unique(np.quantile(train, np.arange(9) / 8, method="inverted_cdf"))
    return np.interp(np.nan_to_num(numbers), knots, np.linspace(0, 1, len(knots)))


def test_vocabularies_are_the_train_days_values_by_falling_count(
    log: list[Row], everything: list[Row], learned: Learned, specs: dict[str, FieldSpec]
) -> None:
    known = [row for row in everything if row["day"] in SPLITS["train"]]
    train = [row for row in log if row["day"] in SPLITS["train"]]
    values = {name: [[row[name]] for row in train] for name in ("uid", "item", "author")}
    values["weekday"] = [[row["weekday"]] for row in train]
    values["genre.main"] = [[row["genre.main"]] for row in train]
    values["words"] = [oracle.pieces(row["words"], specs["words"]) for row in train]
    values["likes_types"] = [[row["act"]] for row in train if row["label"]]
    values["visit_types"] = [[row["act"]] for row in known]
    for name, each in values.items():
        counts = Counter(value for row in each for value in row if value is not None)
        least = specs[name.removesuffix("_types")].min_count
        ranked = sorted(counts, key=lambda value: (-counts[value], value))
        expected = [value for value in ranked if counts[value] >= least]
        assert learned.known[name].to_pylist() == expected
    assert set(learned.known) == set(values)
    assert len(learned.known["item"]) < 12


def test_ids_are_places_in_the_vocabulary(rows: pd.DataFrame, learned: Learned) -> None:
    schema = learned.schema
    for field in (*schema.categories, *schema.lists):
        owner = getattr(field, "shares", None) or field.name
        place = {value: i for i, value in enumerate(learned.known[owner].to_pylist())}
        assert field.size == len(place) + 1
        given = column(rows, f"value_{field.name}")
        if field in schema.categories:
            expected: list[object] = [place.get(value, field.oov) for value in given]
        else:
            expected = [[place.get(v, field.oov) for v in values] for values in given]
        assert column(rows, field.name) == expected


def test_buckets_are_cut_at_the_train_rows_quantiles(
    rows: pd.DataFrame, learned: Learned, rich: RichLog
) -> None:
    buckets = {spec.name: spec.buckets for spec in rich.scenario().features.inputs}
    for field in learned.schema.buckets:
        values = rows[f"value_{field.name}"].astype(float)
        train = values[rows["day"].isin(SPLITS["train"])].dropna()
        parts = buckets[field.name]
        steps = np.arange(1, parts) / parts
        cuts = np.unique(np.quantile(train, steps, method="inverted_cdf"))
        assert list(field.boundaries) == [cut for cut in cuts if cut > train.min()]
        ids = [sum(cut <= v for cut in field.boundaries) for v in values]
        assert rows[field.name].tolist() == list(np.where(values.isna(), field.oov, ids))


def test_held_out_rows_say_how_often_train_days_saw_them_and_which_slice_they_are_in(
    rows: pd.DataFrame, log: list[Row]
) -> None:
    train = [row for row in log if row["day"] in SPLITS["train"]]
    for column_name, name in (("uid", "user"), ("item", "item")):
        seen = Counter(row[column_name] for row in train)
        assert rows[f"{name}_train_events"].tolist() == [seen[row[column_name]] for row in log]
    home = [int(canonical(row["tab"]) in ("home", "1")) for row in log]
    assert rows["slice_0"].tolist() == home
    assert rows["slice_1"].tolist() == [int(row["genre.main"] == "drama") for row in log]
    assert 0 < sum(home) < len(home)
