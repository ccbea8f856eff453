"""A log that is not whole is refused by name, before anything is made of it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from secateur import scenario
from secateur.contracts.errors import Refused, UsageError
from secateur.events.window import choose_days, open_log
from secateur.scenario import Logs
from secateur.storage import open_store
from small_log import DAYS, HEADER, SmallLog, small_log, write_gz

DAY = DAYS[1]


def truncate(log: SmallLog) -> None:
    log.file(DAY).write_bytes(log.file(DAY).read_bytes()[:-20])


def empty(log: SmallLog) -> None:
    log.file(DAY).write_bytes(b"")


def no_gzip(log: SmallLog) -> None:
    log.file(DAY).write_text("\n".join([HEADER, *log.days[DAY]]))


def rename_in_one_file(log: SmallLog) -> None:
    write_gz(log.file(DAY), [HEADER.replace("tab", "page"), *log.days[DAY]])


def remove_a_day(log: SmallLog) -> None:
    log.file(DAY).unlink()


def keep_headers_only(log: SmallLog) -> None:
    for day in DAYS:
        write_gz(log.file(day), [HEADER])


def remove_side(log: SmallLog) -> None:
    (log.folder / "items.csv.gz").unlink()


def repeat_side_key(log: SmallLog) -> None:
    write_gz(log.folder / "items.csv.gz", ["item,author,length", *log.items, "3,other,1"])


def cut_side_row(log: SmallLog) -> None:
    write_gz(log.folder / "items.csv.gz", ["item,author,length", *log.items, "99"])


FAULTS: dict[Callable[[SmallLog], None], str] = {
    truncate: rf"date={DAY}/log.csv.gz cannot be read to its end",
    empty: rf"date={DAY}/log.csv.gz is empty",
    no_gzip: rf"date={DAY}/log.csv.gz cannot be read to its end",
    rename_in_one_file: rf"date={DAY}/log.csv.gz and .* differ in columns: \['page', 'tab'\]",
    remove_a_day: rf"1 of the 6 days up to {DAYS[-1]} have no file: {DAY}",
    remove_side: "no file items.csv.gz",
}


def opened(log: SmallLog, tmp_path: Path) -> object:
    logs = scenario.load(str(log.scenario)).logs
    return open_log(logs, logs.uri, tmp_path / "scratch")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_broken_log_is_refused_by_name(fault: Callable[[SmallLog], None], tmp_path: Path) -> None:
    log = small_log(tmp_path).write()
    opened(log, tmp_path)
    fault(log)
    with pytest.raises(Refused, match=FAULTS[fault]):
        opened(log, tmp_path)


def test_a_place_without_days_was_asked_for_wrongly(tmp_path: Path) -> None:
    log = small_log(tmp_path).write()
    logs = scenario.load(str(log.scenario)).logs
    with pytest.raises(UsageError, match="no events/date=YYYY-MM-DD"):
        open_log(logs, str(tmp_path / "elsewhere"), tmp_path)


def test_a_log_in_any_store_reads_the_same(root: str, tmp_path: Path) -> None:
    log = small_log(tmp_path / "log").write()
    store = open_store(root)
    for file in sorted(log.folder.rglob("*.gz")):
        store.put(file.relative_to(log.folder).as_posix(), file.read_bytes())
    logs = scenario.load(str(log.scenario)).logs
    there = open_log(logs, root, tmp_path / "scratch")
    here = open_log(logs, logs.uri, tmp_path)
    assert (there.digest, there.columns, there.days) == (here.digest, here.columns, here.days)
    assert all(file.path.is_file() for file in there.events)


def window(**settings: object) -> tuple[str, ...]:
    logs = Logs(uri="x", user="u", item="i", time="t", **settings)
    return choose_days(logs, [f"2024-02-{n}" for n in range(20, 30)] + ["2024-03-01"], "there")


def test_the_window_ends_at_the_newest_day_or_the_one_named() -> None:
    assert window(window_days=2) == ("2024-02-29", "2024-03-01")
    assert window(window_days=2, last_day="2024-02-28") == ("2024-02-27", "2024-02-28")


def test_the_window_does_not_begin_before_the_first_day() -> None:
    found = window(window_days=30, first_day="2024-02-28")
    assert found == ("2024-02-28", "2024-02-29", "2024-03-01")
    with pytest.raises(Refused, match="2024-02-19"):
        window(window_days=12)
