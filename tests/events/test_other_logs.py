"""Real logs of other kinds: purchases with sampled negatives, and news impressions."""

import gzip
import io
import json
from pathlib import Path

import pandas as pd
import pytest
import zstandard
from pyspark.sql import SparkSession

from secateur import scenario
from secateur.contracts.data import CleaningCounts
from secateur.scenario import PROJECT
from small_log import run_verb, sealed

DATA = PROJECT.parent / "shared" / "data"
MIND = PROJECT / "infra" / "demo" / "mind.toml"
BUNDLED = PROJECT / "infra" / "demo" / "online_retail" / "events"


def unpacked(path: Path) -> bytes:
    if not path.is_file():
        pytest.skip(f"{path.name} may not be redistributed, and is not here")
    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


def test_purchases_are_counted_as_pandas_counts_them(spark: SparkSession, tmp_path: Path) -> None:
    days = ("logs.window_days=9", "features.tune_days=1", "features.confirm_days=1")
    run_verb("clean_events", scenario.load_scenario("ecommerce", days), output=tmp_path / "out")
    counts = sealed(str(tmp_path / "out")).read("counts.json", CleaningCounts)
    log = pd.DataFrame(
        json.loads(line)
        for day in counts.days
        for file in (BUNDLED / f"date={day}").glob("*.json.gz")
        for line in gzip.decompress(file.read_bytes()).splitlines()
    )
    faults = {
        "cancellation": log["InvoiceNo"].str.startswith("C"),
        "price_not_positive": log["UnitPrice"].astype(float) <= 0,
        "quantity_not_positive": log["Quantity"].astype(float) <= 0,
        "user_missing": log["CustomerID"].isna(),
    }
    assert counts.reasons == {code: int(bad.sum()) for code, bad in faults.items()}
    bad = pd.concat(faults.values(), axis=1).any(axis=1)
    keys = ["InvoiceNo", "StockCode", "CustomerID", "InvoiceDate", "Quantity", "UnitPrice"]
    assert counts.rows_in == len(log)
    assert counts.quarantined == int(bad.sum())
    assert counts.deduplicated == int(log[~bad].duplicated(keys).sum())
    assert counts.sampled == counts.events - counts.kept
    assert counts.drawn is not None
    assert counts.sampled + counts.undrawn == 2 * (counts.kept - counts.drawn.left_out)
    assert counts.sampled > counts.kept


def test_news_impressions_become_one_event_a_candidate(spark: SparkSession, tmp_path: Path) -> None:
    folder = DATA / "mind_small_sample"
    behaviours = unpacked(folder / "behaviors.tsv.zst")
    (tmp_path / "log" / "events").mkdir(parents=True)
    (tmp_path / "log" / "events" / "behaviors.tsv").write_bytes(behaviours)
    (tmp_path / "log" / "news.tsv").write_bytes(unpacked(folder / "news.tsv.zst"))
    uri = (f"logs.uri={tmp_path / 'log'}",)
    flags = {"output": tmp_path / "out", "state": tmp_path / "state"}
    run_verb("clean_events", scenario.load_scenario(str(MIND), uri), **flags)
    assert not flags["state"].exists(), "days of a flat log are not kept"
    counts = sealed(str(tmp_path / "out")).read("counts.json", CleaningCounts)
    rows = pd.read_csv(io.BytesIO(behaviours), sep="\t", header=None, quoting=3, dtype=str)
    candidates = rows[4].str.split(" ")
    days = pd.to_datetime(rows[2], format="%m/%d/%Y %I:%M:%S %p").dt.strftime("%Y-%m-%d")
    assert (counts.rows_in, counts.kept, counts.quarantined) == (5000, 5000, 0)
    assert counts.events == candidates.str.len().sum() == 189_359
    assert counts.days == candidates.str.len().groupby(days).sum().to_dict()
