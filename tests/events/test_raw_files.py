"""Which days of a log a night reads, from any store. What a broken log does: `test_bad_inputs`."""

from pathlib import Path

import pytest

from secateur import scenario
from secateur.contracts.errors import Refused, UsageError
from secateur.events.raw_files import choose_days, open_log
from secateur.scenario import Logs
from secateur.storage import open_store
from small_log import small_log


def test_a_place_without_days_was_asked_for_wrongly(tmp_path: Path) -> None:
    log = small_log(tmp_path).write()
    logs = scenario.load_scenario(str(log.scenario)).logs
    with pytest.raises(UsageError, match="no events/date=YYYY-MM-DD"):
        open_log(logs, str(tmp_path / "elsewhere"), tmp_path)


def test_a_log_in_any_store_reads_the_same(root: str, tmp_path: Path) -> None:
    log = small_log(tmp_path / "log").write()
    store = open_store(root)
    for file in sorted(log.folder.rglob("*.gz")):
        store.put(file.relative_to(log.folder).as_posix(), file.read_bytes())
    logs = scenario.load_scenario(str(log.scenario)).logs
    there = open_log(logs, root, tmp_path / "scratch")
    here = open_log(logs, logs.uri, tmp_path)
    assert (there.digest, there.columns, there.days) == (here.digest, here.columns, here.days)
    assert all(file.path.is_file() for file in there.events)


def window(**settings: object) -> tuple[str, ...]:
    logs = Logs(uri="x", user="u", item="i", time="t", **settings)
    present = [f"2024-02-{n}" for n in range(20, 30)] + ["2024-03-01"]
    return choose_days(logs, dict.fromkeys(present, 900), "there")


def test_the_window_ends_at_the_newest_day_or_the_one_named() -> None:
    assert window(window_days=2) == ("2024-02-29", "2024-03-01")
    assert window(window_days=2, last_day="2024-02-28") == ("2024-02-27", "2024-02-28")


def test_the_window_does_not_begin_before_the_first_day() -> None:
    found = window(window_days=30, first_day="2024-02-28")
    assert found == ("2024-02-28", "2024-02-29", "2024-03-01")
    with pytest.raises(Refused, match="2024-02-19"):
        window(window_days=12)
