"""Distances as pandas and plain formulas find them; bootstrap, lack of rows and limits are told."""

import json
import logging
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from secateur.artifacts import Artifact
from secateur.contracts.data import BinCounts, ColumnDrift, Profile, ValueCounts
from secateur.contracts.errors import ValidationRefused
from secateur.validation.drift import distances
from small_events import EVENTS, Nights, report_of, rows, small_nights
from small_log import sealed

FIRST, SECOND = "2024-03-01", "2024-03-02"
WATCHED = ("validation.drift.min_rows=20", "validation.drift.bins=5")
LOOSE = (
    *WATCHED,
    "validation.drift.categories={tab = 1.0, item = 1.0}",
    "validation.drift.numbers={seconds = 1.0}",
)


def events(seed: int, day: str, count: int = 400) -> pd.DataFrame:
    """Events whose seconds have ties, gaps and texts that are no number; some tabs are missing."""
    dice = np.random.default_rng(seed)
    tabs = dice.choice(["home", "feed", f"only {seed}", None], count, p=[0.5, 0.2, 0.2, 0.1])
    seconds = np.where(dice.random(count) < 0.4, 0, np.round(dice.lognormal(1 + seed, 1, count), 1))
    texts = [str(n) for n in seconds]
    texts[::17], texts[1::31], texts[2::41] = (
        ["much"] * len(texts[::17]),
        ["NaN"] * len(texts[1::31]),
        [None] * len(texts[2::41]),
    )
    return rows(day, tabs.tolist(), texts, seed)


@pytest.fixture(scope="module")
def two_nights(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Two nights with their reports, the first accepted."""
    nights = small_nights(tmp_path_factory.mktemp("two_nights"))
    nights.events("one", {FIRST: events(1, FIRST)})
    nights.events("two", {SECOND: events(2, SECOND, 300)})
    nights.validate("one", *LOOSE)
    nights.accept("one_report")
    nights.validate("two", *LOOSE)
    return nights


@pytest.fixture(scope="module")
def drift(two_nights: Nights) -> dict[str, ColumnDrift]:
    """What the second night's report says of each column."""
    report = report_of(sealed(str(two_nights.folder / "two_report")))
    return {one.column: one for one in report.drift}


def validate_again(nights: Nights, output: Path, *settings: str) -> Artifact:
    """Another report of the second night."""
    flags = {"events": nights.folder / "two", "state": nights.state, "output": output}
    return nights.run("validate_events", *settings, **flags)


def linf(one: pd.Series, other: pd.Series) -> float:
    shares = pd.concat(
        [side.value_counts(normalize=True, dropna=False) for side in (one, other)], axis=1
    )
    return float((shares.iloc[:, 0].fillna(0) - shares.iloc[:, 1].fillna(0)).abs().max())


def jensen_shannon(one: pd.Series, other: pd.Series, bins: int) -> tuple[float, int]:
    """Over quantile bins of `other`; values that hold several quantiles alone in a bin."""
    then, now = (pd.to_numeric(side, errors="coerce") for side in (other, one))
    cuts = np.quantile(then.dropna(), np.arange(bins + 1) / bins)
    alone = {cut for cut in cuts if (cuts == cut).sum() > 1} | {cuts.max()}
    edges = sorted({*cuts, *(np.nextafter(cut, np.inf) for cut in alone)})
    p, q = (
        np.bincount(
            np.where(side.isna(), len(edges) + 1, np.digitize(side, edges)),
            minlength=len(edges) + 2,
        )
        / len(side)
        for side in (now, then)
    )
    middle = (p + q) / 2
    with np.errstate(divide="ignore", invalid="ignore"):
        kl = [np.nansum(np.where(side > 0, side * np.log2(side / middle), 0)) for side in (p, q)]
    return float(np.sqrt(sum(kl) / 2)), len(p)


def test_the_distances_are_those_of_pandas(drift: dict[str, ColumnDrift]) -> None:
    one, two = events(1, FIRST), events(2, SECOND, 300)
    for column in ("tab", "item"):
        assert drift[column].distance == pytest.approx(linf(two[column], one[column]), abs=1e-12)
    wanted, bins = jensen_shannon(two["seconds"], one["seconds"], 5)
    assert wanted > 0.1
    assert drift["seconds"].distance == pytest.approx(wanted, abs=1e-12)
    assert drift["seconds"].bins == bins


def test_an_entry_names_both_sides(two_nights: Nights, drift: dict[str, ColumnDrift]) -> None:
    found = drift["tab"]
    accepted = json.loads((two_nights.folder / "one_report_accepted" / "receipt.json").read_text())
    assert found == ColumnDrift(
        column="tab",
        measure="categories",
        formula="L-infinity",
        limit=1.0,
        distance=found.distance,
        bins=6,  # home, feed, one of each night, all others, missing
        rows=300,
        reference_rows=400,
        reference_day=FIRST,
        reference=accepted["accepted_night"],
    )


CHANGES: dict[str, list[str | None]] = {
    "missing": [None] * 100,
    "new": ["3"] * 100,
    "constant": ["7"] * 100,
    "beyond": ["1e9"] * 100,
    "below": ["-1"] * 100,
}


def test_every_change_outside_the_bins_is_seen(nights: Nights) -> None:
    schema = reduce(pa.Schema.append, (pa.field(name, pa.string()) for name in CHANGES), EVENTS)
    then, now = (rows(day, ["home"] * 100, ["0"] * 95 + ["7"] * 5) for day in (FIRST, SECOND))
    nights.events("one", {FIRST: then.assign(**dict.fromkeys(CHANGES, then["seconds"]))}, schema)
    nights.events("two", {SECOND: now.assign(**CHANGES)}, schema)
    limits = ", ".join(f"{name} = 1.0" for name in CHANGES)
    settings = (*LOOSE, f"validation.drift.numbers={{{limits}}}")
    nights.validate("one", *settings)
    nights.accept("one_report")
    found = {one.column: one for one in report_of(nights.validate("two", *settings)).drift}
    assert {name: (found[name].distance or 0) > 0.9 for name in CHANGES} == dict.fromkeys(
        CHANGES, True
    )
    assert found["tab"].distance == 0


def test_a_limit_exceeded_refuses_and_says_by_how_much(two_nights: Nights, tmp_path: Path) -> None:
    tight = "validation.drift.categories={tab = 0.1}"
    with pytest.raises(ValidationRefused, match=r"tab L-infinity .* <= 0\.1: found 0\.1"):
        validate_again(two_nights, tmp_path / "report", *LOOSE, tight)
    report = report_of(sealed(str(tmp_path / "report")))
    assert not report.success
    assert {one.column for one in report.drift} == {"tab", "seconds"}


def test_the_page_shows_the_distances_and_renders_whole(
    two_nights: Nights, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    sealed_again = validate_again(two_nights, tmp_path / "report", *LOOSE)
    page = (sealed_again.folder / "docs" / "index.html").read_text()
    for shown in ("Jensen-Shannon, base 2", "L-infinity", FIRST, "within", "300", "400"):
        assert f">{shown}<" in page or shown in page.partition("<h2>columns</h2>")[0]
    assert not [line for line in caplog.records if "rendering" in line.getMessage()]


def test_the_first_night_is_a_bootstrap_and_says_so(
    nights: Nights, caplog: pytest.LogCaptureFixture
) -> None:
    nights.events("one", {FIRST: events(1, FIRST)})
    with caplog.at_level(logging.WARNING):
        first = nights.validate("one", *LOOSE)
    report = report_of(first)
    assert report.success
    assert report.drift == ()
    assert "3 columns" in report.bootstrap
    assert "bootstrap" in caplog.text
    assert first.manifest.facts["bootstrap"] is True
    assert "Bootstrap:" in (first.folder / "docs" / "index.html").read_text()
    assert report_of(nights.validate("one")).bootstrap == ""  # nothing is watched


def test_too_few_rows_are_not_compared_and_said_to_be(
    two_nights: Nights, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        few = (*LOOSE, "validation.drift.min_rows=350")
        report = validate_again(two_nights, tmp_path / "report", *few)
    found = report_of(report).drift
    assert {one.not_compared for one in found} == {"300 rows tonight, 400 then: fewer than 350"}
    assert {one.distance for one in found} == {None}
    assert "drift of tab was not compared" in caplog.text
    assert report.manifest.facts["drift_not_compared"] == 3
    assert "not compared" in (report.folder / "docs" / "index.html").read_text()


def test_a_column_that_then_was_not_watched_or_is_gone_is_not_compared(
    two_nights: Nights, tmp_path: Path
) -> None:
    watched = (
        "validation.drift.categories={seconds = 1.0, item = 1.0}",
        "validation.drift.numbers={lost = 1.0}",
    )
    with pytest.raises(ValidationRefused):
        validate_again(two_nights, tmp_path / "report", *WATCHED, *watched)
    report = report_of(sealed(str(tmp_path / "report")))
    assert [e.column for e in report.expectations if not e.success] == ["lost"]
    by_column = {one.column: one for one in report.drift}
    assert (
        by_column["seconds"].not_compared == f"the night of {FIRST} was not profiled by this column"
    )
    assert by_column["lost"].not_compared == "tonight's events have no such column"
    assert by_column["item"].distance is not None


def test_a_profile_counts_what_pandas_counts(two_nights: Nights) -> None:
    frame = events(1, FIRST)
    profile = sealed(str(two_nights.folder / "one_report")).read("profile.json", Profile)
    counted = frame["tab"].value_counts()
    missing = int(frame["tab"].isna().sum())
    assert profile.categories["tab"] == ValueCounts(counted.to_dict(), 0, missing)
    assert profile.rows == 400
    assert profile.days == {FIRST: 400}
    assert profile.label_rate == pytest.approx(frame["label"].mean())
    assert sum(profile.numbers["seconds"].rows) + profile.numbers["seconds"].missing == 400


def test_rare_values_are_pooled(nights: Nights, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secateur.validation.drift.event_profile.MOST_VALUES", 2)
    nights.events("one", {FIRST: rows(FIRST, list("aabbccddde"), ["1"] * 10)})
    profile = nights.validate("one", *LOOSE).read("profile.json", Profile)
    assert profile.categories["tab"] == ValueCounts({"d": 3, "a": 2}, 5, 0)


def test_a_distance_is_a_distance() -> None:
    one, other = BinCounts((0.0,), (5, 5), 0), BinCounts((0.0,), (0, 0), 10)
    assert distances.of_numbers(one, one) == (0.0, 3)
    assert distances.of_numbers(one, other) == (pytest.approx(1.0), 3)
    assert distances.of_numbers(other, one) == distances.of_numbers(one, other)
    a, b = ValueCounts({"x": 1}, 0, 0), ValueCounts({"y": 3}, 0, 1)
    assert distances.of_categories(a, b) == (1.0, 4)


@pytest.mark.parametrize(("rows_a_side", "wanted"), [(1_000, 0.087), (10_000, 0.028)])
def test_sampling_alone_gives_the_distance_that_the_documentation_says(
    rows_a_side: int, wanted: float
) -> None:
    dice = np.random.default_rng(5)

    def sample() -> BinCounts:
        return BinCounts((), tuple(dice.multinomial(rows_a_side, [1 / 22] * 22).tolist()), 0)

    found = [distances.of_numbers(sample(), sample())[0] for _ in range(100)]
    assert np.mean(found) == pytest.approx(wanted, rel=0.05)


@pytest.mark.parametrize(("rows_a_side", "most"), [(1_000, 0.055), (10_000, 0.017)])
def test_sampling_alone_rarely_gives_more_between_categories(rows_a_side: int, most: float) -> None:
    dice = np.random.default_rng(6)
    shares = [0.5, 0.3, *[0.025] * 8]

    def sample() -> ValueCounts:
        counts = dice.multinomial(rows_a_side, shares).tolist()
        return ValueCounts(dict(zip("abcdefghij", counts, strict=True)), 0, 0)

    found = [distances.of_categories(sample(), sample())[0] for _ in range(200)]
    assert np.mean([one > most for one in found]) < 0.05
    assert max(found) > most / 2
