"""A draft tells what a real log is."""

import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from drafted import drafted, names, roles
from secateur.scenario.drafting.scenario_draft import draft_scenario
from secateur.scenario.raw_log.sample import sample
from secateur.scenario.scenario_check import check_scenario
from secateur.scenario.sections.tables import TableFormat

Draft = Callable[[str], tuple[dict[str, Any], str]]
DATA = Path(__file__).parents[3] / "shared" / "data"
KUAIRAND = "kuairand_pure/log_standard_4_25_to_5_08_pure.csv.zst"
RETAIL = "online_retail/online_retail.csv.zst"
MIND = "mind_small_sample/behaviors.tsv.zst"
AVAZU = "ctr_formats/avazu_9k.csv.zst"
TIMELESS = (
    "ctr_formats/criteo_10k.tsv.zst",
    "frappe_x1/train.csv.zst",
    "frappe_x1/frappe_raw.tsv.zst",
)


def real(name: str) -> Path:
    """A file of the shared real logs."""
    path = DATA / name
    if not path.is_file():
        pytest.skip(f"the real log {name} may not be redistributed and is not on this machine")
    return path


@pytest.fixture(scope="module")
def draft(tmp_path_factory: pytest.TempPathFactory) -> Draft:
    """Drafts each real log once: it is read to its end."""

    @cache
    def made(name: str) -> tuple[dict[str, Any], str]:
        folder = tmp_path_factory.mktemp("draft")
        return drafted(real(name), folder), (folder / "draft.toml").read_text()

    return made


def test_kuairand_is_a_log_of_exposures_with_their_clicks(draft: Draft) -> None:
    made, _ = draft(KUAIRAND)
    assert roles(made) == {
        "user": "user_id",
        "item": "video_id",
        "time": "time_ms",
        "time_format": "ms",
    }
    assert made["logs"]["timezone"] == "Asia/Shanghai", "its column of dates is local"
    assert made["label"] == {"kind": "column", "column": "is_click"}
    columns = {"user_id", "video_id", "hourmin", "duration_ms", "tab"}
    assert names(made) == columns | {"hour_of_day", "last_items"}
    assert {counter.get("of") for counter in made["features"]["counters"]} >= {"long_view"}
    owners = {field["name"]: field["owner"] for field in made["features"]["fields"]}
    assert (owners["duration_ms"], owners["tab"]) == ("item", "context")


def test_what_is_known_only_after_the_event_is_no_input(draft: Draft) -> None:
    after = {"is_like", "long_view", "play_time_ms", "profile_stay_time", "comment_stay_time"}
    made, _ = draft(KUAIRAND)
    assert not after & names(made)


def test_online_retail_is_a_log_of_purchases(draft: Draft) -> None:
    made, _ = draft(RETAIL)
    assert roles(made) == {
        "user": "CustomerID",
        "item": "StockCode",
        "time": "InvoiceDate",
        "time_format": "yyyy-MM-dd HH:mm:ss",
    }
    assert made["label"]["kind"] == "purchase"
    assert made["label"]["negatives"]["shared"] == ["Country"]
    assert made["label"]["negatives"]["item_columns"] == ["Description"]
    where = "trim(`CustomerID`) <> '' AND try_cast(`Quantity` AS double) > 0"
    assert made["cleaning"]["where"] == where, "a quarter of the lines has no customer"


def test_mind_is_a_log_of_marked_lists_without_a_header(draft: Draft) -> None:
    made, _ = draft(MIND)
    assert (made["logs"]["format"], made["logs"]["header"]) == ("tsv", False)
    assert roles(made) == {
        "user": "column_2",
        "item": "item",
        "time": "column_3",
        "time_format": "M/d/yyyy h:mm:ss a",
    }
    label = {"kind": "marked_list", "column": "column_5", "position": "position"}
    assert made["label"] == label
    assert made["cleaning"]["deduplicate_on"] == ["column_1"]
    history = next(f for f in made["features"]["fields"] if f["name"] == "column_4")
    assert (history["kind"], history["shares"], history["owner"]) == ("list", "item", "user")


def test_avazu_tells_its_hours_and_its_clicks(draft: Draft) -> None:
    made, _ = draft(AVAZU)
    assert roles(made) == {
        "user": "device_ip",
        "item": "site_id",
        "time": "hour",
        "time_format": "yyMMddHH",
    }
    assert made["label"] == {"kind": "column", "column": "click"}
    assert made["cleaning"]["deduplicate_on"] == ["id"]


@pytest.mark.parametrize("name", TIMELESS)
def test_a_log_without_a_time_is_drafted_but_does_not_pass(name: str, tmp_path: Path) -> None:
    path = tmp_path / "draft.toml"
    path.write_text(draft_scenario(real(name)))
    made = tomllib.loads(path.read_text())
    assert "NOT FOUND: no column tells time" in path.read_text()
    assert "# TO DECIDE 1: what tells an event's time" in path.read_text()
    assert made["label"].get("column") in {"column_1", "label", None}
    scenario, mistakes = check_scenario(str(path))
    assert scenario is None
    assert [line.split(": ")[1] for line in mistakes] == ["logs.time"]


@pytest.mark.parametrize("name", [KUAIRAND, RETAIL, MIND, AVAZU])
def test_no_draft_shows_a_user(name: str, draft: Draft) -> None:
    log, (made, text) = real(name), draft(name)
    logs = made["logs"]
    table = TableFormat(
        **{key: logs[key] for key in ("format", "header", "columns") if key in logs}
    )
    rows = sample([log], table)
    users = {row[rows.columns.index(logs["user"])] for row in rows.rows} - {None}
    assert len(users) > 100
    words = set(text.replace('"', " ").split())
    assert not {user for user in users if user and len(user) > 4} & words
