"""Nights that keep what their days counted seal what a night alone would seal."""

import json
import logging
from pathlib import Path

import pytest
from rich_log import DAYS, RichLog, rich_log

from secateur.artifacts import UNSEALED, Artifact, open_artifact

LESS = "features.counters=[]"


@pytest.fixture(scope="module")
def log(rich: RichLog, tmp_path_factory: pytest.TempPathFactory) -> RichLog:
    """A log of its own, Spark running."""
    return rich_log(tmp_path_factory.mktemp("nights"), seed=3)


@pytest.fixture(scope="module")
def nights(log: RichLog) -> dict[str, Artifact]:
    """The EventSets of two nights whose windows share five days, of the same bytes."""
    windows = {"first": DAYS[:6], "second": DAYS[1:]}
    return {
        night: RichLog(log.folder, [r for r in log.rows if r["day"] in days], log.items).write(
            night
        )
        for night, days in windows.items()
    }


@pytest.fixture(scope="module")
def alone(log: RichLog, nights: dict[str, Artifact]) -> dict[str, str]:
    """The digest of each night's FeatureSet, built without any state."""
    return {night: log.build(events, f"{night} alone").digest for night, events in nights.items()}


def counted(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.getMessage().startswith("counting")]


@pytest.mark.parametrize(
    "order",
    [("second", "first"), pytest.param(("first", "second"), marks=pytest.mark.proof)],
)
def test_a_night_counts_only_new_days_and_seals_the_same(
    order: tuple[str, str],
    log: RichLog,
    nights: dict[str, Artifact],
    alone: dict[str, str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "secateur")
    for night in order:
        kept = log.build(nights[night], f"{order} {night}", state=tmp_path)
        assert kept.digest == alone[night]
    assert counted(caplog) == ["counting 6 days, 0 are kept", "counting 1 days, 5 are kept"]
    assert {place.parts[-2] for place in tmp_path.glob("build_features/*/*")} == set(DAYS)


@pytest.mark.proof
def test_a_damaged_day_is_counted_again_with_a_warning(
    log: RichLog,
    nights: dict[str, Artifact],
    alone: dict[str, str],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "secateur")
    log.build(nights["first"], "before the damage", state=tmp_path)
    damaged, unsealed = (next(tmp_path.glob(f"build_features/{day}/*")) for day in DAYS[1:3])
    file = damaged / "part-00000.parquet"
    whole = file.read_bytes()
    file.write_bytes(whole[:-9] + b"x" + whole[-8:])
    (unsealed / "manifest.json").rename(unsealed / UNSEALED)  # as a crash leaves it
    again = log.build(nights["first"], "after the damage", state=tmp_path)
    assert again.digest == alone["first"]
    assert counted(caplog)[-1] == "counting 2 days, 4 are kept"
    (warning,) = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert DAYS[1] in warning
    assert "made again" in warning
    assert file.read_bytes() == whole
    assert open_artifact(str(unsealed), "CountDay").manifest.facts == {"day": DAYS[2]}


def test_what_is_counted_and_of_which_tables_names_a_kept_day(
    log: RichLog,
    nights: dict[str, Artifact],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "secateur")
    log.build(nights["first"], "all", state=tmp_path)
    log.build(nights["first"], "other days to tune", "features.tune_days=2", state=tmp_path)
    log.build(nights["first"], "without counters", LESS, state=tmp_path)
    items = [{**item, "author": "another"} for item in log.items]
    rows = json.loads(json.dumps([r for r in log.rows if r["day"] in DAYS[:6]]))
    log.build(RichLog(log.folder, rows, items).write("others"), "other items", state=tmp_path)
    kept = [message.split(", ")[1] for message in counted(caplog)]
    assert kept == ["0 are kept", "6 are kept", "0 are kept", "0 are kept"]
