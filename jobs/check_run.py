"""Hold what a run was asked for against its scenario and its log, before anything is read.

    python jobs/check_run.py --scenario short_video --form '{"dry_run": true}' --output URI

`--form` is the run's conf. Exit 64: it has an unknown key, or a value that cannot be. Exit 65: a
day of the window is missing in the log. Exit 75: the log does not have the day yet that the date of
a `--run-type` scheduled or backfill asks for.

Seals the days of the window, and answers the last one: what comes later in this run ends there,
whatever is delivered meanwhile.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts.artifact_files import WINDOW
from secateur.contracts.data import RunWindow
from secateur.contracts.errors import NotDelivered, Refused
from secateur.events.raw_files import window_days
from secateur.scenario.run_form import read_form

DATED = ("scheduled", "backfill")  # as Airflow names the types of run that have a date


def check_run(job: Job) -> None:
    """Read the form and the names of the log's folders; seal the window."""
    read_form(job.flag("form"))
    logs = job.use(job.scenario.logs)
    try:
        days = window_days(logs, job.arguments["logs"] or logs.uri)
    except NotDelivered as error:
        if job.arguments["run_type"] in DATED:
            raise
        raise Refused(str(error)) from error
    last = days[-1] if days else logs.last_day
    with job.create("RunWindow") as draft:
        draft.write(WINDOW, RunWindow(days, last))
        job.seal(draft, {"days": len(days), "last_day": last})
    job.answer({"uri": job.output_uri(), "last_day": last or ""})


if __name__ == "__main__":
    command.run(check_run, __doc__, inputs=("form",), options=("logs", "run-type"))
