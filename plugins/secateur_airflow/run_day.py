"""The day of a run: what its own date asks for, whatever the clock says when it runs."""

from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from airflow.sdk import CronDataIntervalTimetable

BACKFILL, SCHEDULED = "backfill", "scheduled"
DATED = (SCHEDULED, BACKFILL)  # types of run that have a date of their own


class DatedRun(Protocol):
    """The part of a DagRun that tells its day."""

    run_type: Any  # an enum of Airflow's, equal to its text
    data_interval_end: datetime | None


def schedule_in(timezone: str, cron: str | None) -> CronDataIntervalTimetable | None:
    """The schedule by the clock of the log's own time zone; None where the DAG has none."""
    return CronDataIntervalTimetable(cron, timezone=timezone) if cron else None


def day_of(run: DatedRun, timezone: str) -> str | None:
    """The ISO day that the run's window ends with: the last whole day before its interval's end.

    None for a run that a person triggered: its form names the day, or the newest delivered one is
    meant.
    """
    if run.run_type not in DATED or run.data_interval_end is None:
        return None
    end = run.data_interval_end.astimezone(ZoneInfo(timezone))
    return (end.date() - timedelta(days=1)).isoformat()


def older_backfill(context: Any) -> str:  # noqa: ANN401 - a typed dict of Airflow's
    """The run of a backfill of an older day that is at work, for which a younger one waits.

    Empty where none is. Runs that only wait for their turn are no reason: a backfill that begins
    with the newest day would wait for ever.
    """
    if not is_backfill(context["dag_run"]):
        return ""
    before = context["ti"].get_previous_dagrun(state="running")
    return str(before.run_id) if before and is_backfill(before) else ""


def is_backfill(run: DatedRun) -> bool:
    """Tell whether Airflow's own backfill made the run."""
    return bool(run.run_type == BACKFILL)
