"""The bundled log's last days, cleaned a second time by pandas, give the very same events."""

from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq
import pytest

from secateur import identity
from secateur.artifacts import Artifact
from secateur.contracts.data import CleaningCounts
from secateur.encoding.spelling import canonical
from secateur.scenario import PROJECT

LOG = PROJECT / "infra" / "demo" / "kuairand"
DAYS = ["2022-05-05", "2022-05-06", "2022-05-07", "2022-05-08"]
KEY = ["user_id", "video_id", "time_ms"]
MISSING = {"duration_ms": "0", "is_live_streamer": "-124", "user_active_degree": "UNKNOWN"}


def raw(path: Path) -> pd.DataFrame:
    """Read a file as text, every value spelled canonically."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    for name in table.columns:
        spelled = {text: canonical(text) for text in table[name].unique()}
        spelled |= {MISSING[name]: None} if name in MISSING else {}
        table[name] = table[name].map(spelled)
    return table


@pytest.fixture(scope="module")
def log() -> pd.DataFrame:
    days = [raw(LOG / "events" / f"date={day}" / "log.csv.gz").assign(day=day) for day in DAYS]
    return pd.concat(days, ignore_index=True)


@pytest.fixture(scope="module")
def cleaned(log: pd.DataFrame) -> pd.DataFrame:
    """Rows on their day in UTC+8, each event once, the least of its spellings kept."""
    times = pd.to_datetime(log["time_ms"].astype("int64"), unit="ms") + pd.Timedelta(hours=8)
    good = log[times.dt.strftime("%Y-%m-%d") == log["day"]]
    columns = [name for name in log.columns if name != "day"]
    least_first = good.fillna("").sort_values(columns, kind="stable")
    return good.loc[least_first.drop_duplicates(KEY).index]


def test_the_counts_are_those_of_pandas(
    real_events: Artifact, log: pd.DataFrame, cleaned: pd.DataFrame
) -> None:
    counts = real_events.read("counts.json", CleaningCounts)
    times = pd.to_datetime(log["time_ms"].astype("int64"), unit="ms", utc=True)
    off_day = times.dt.tz_convert("Asia/Shanghai").dt.strftime("%Y-%m-%d") != log["day"]
    assert counts.reasons == {"time_late": int(off_day.sum())}
    assert counts.rows_in == len(log)
    assert counts.deduplicated == int(log[~off_day].duplicated(KEY).sum())
    assert counts.days == cleaned.groupby("day").size().to_dict()
    assert 0 < counts.quarantined < 0.03 * counts.rows_in
    assert counts.deduplicated > 100


def test_every_event_is_that_of_pandas(real_events: Artifact, cleaned: pd.DataFrame) -> None:
    expected = cleaned.merge(raw(LOG / "users.csv.gz"), on="user_id", how="left")
    expected = expected.merge(raw(LOG / "videos.csv.gz"), on="video_id", how="left")
    key = identity.id_key()
    hashes = {user: identity.hash_id(key, user) for user in expected["user_id"].unique()}
    expected["label"] = expected["long_view"].astype("int32")
    expected["time_ms"] = expected["time_ms"].astype("int64")
    expected["user_id"] = expected["user_id"].map(hashes)
    expected = expected.sort_values(["day", "time_ms", "user_id", "video_id"])
    files = sorted(real_events.folder.glob("events/*/*.parquet"))
    found = pd.concat([pq.read_table(f, partitioning=None).to_pandas() for f in files])
    for side, key_column in (("users", "user_id"), ("videos", "video_id")):
        (file,) = real_events.folder.glob(f"sides/{side}/*.parquet")
        found = found.merge(pq.read_table(file).to_pandas(), on=key_column, how="left")
    assert sorted(found.columns) == sorted(expected.columns)
    found, expected = (
        f.astype(object).where(f.notna(), None).reset_index(drop=True)
        for f in (found, expected[found.columns])
    )
    pd.testing.assert_frame_equal(found, expected)
