"""Hold what a run was asked for against its scenario and its log, before anything is read.

    python jobs/check_run.py --scenario short_video --form '{"dry_run": true}' --output URI

`--form` is the run's conf. Exit 64: it has an unknown key, or a value that cannot be. Exit 65: a
day of the window is missing. Exit 75: the day that the date of a `--run-type` scheduled or backfill
asks for is not delivered yet. Exit 80: the channel of `--store` has served a release of the same
files, scenario and code, and the form does not say `again`. Exit 85: in `--state` another night
than that of the folder `--run` is at work; report_night ends that.

Seals the window, the files that no night reads and what the run goes by, and answers the last day.
"""

import time
from dataclasses import asdict, replace

from secateur import command
from secateur.command import Job
from secateur.contracts.artifact_files import FENCE, WINDOW
from secateur.contracts.errors import NotDelivered, NothingNew, Refused
from secateur.events.delivery import digest_of_night
from secateur.events.raw_files import find_window
from secateur.releases.catalogue import Catalogue
from secateur.releases.signing import Trust
from secateur.scenario.run_form import RunForm, read_form
from secateur.storage import join
from secateur.storage.lease import take_for

DATED = ("scheduled", "backfill")  # as Airflow names the types of run that have a date


def check_run(job: Job) -> None:
    """Read the form and the names of the log's files; seal the window."""
    form = read_form(job.flag("form"))
    logs, asked = job.use(job.scenario.logs), job.arguments
    try:
        window = find_window(logs, asked["logs"] or logs.uri, time.time())
    except NotDelivered as error:
        if job.arguments["run_type"] in DATED:
            raise
        raise Refused(str(error)) from error
    night = digest_of_night(job.scenario, asked["logs"], window.days, asked["state"])
    with job.create("RunWindow") as draft:
        draft.write(WINDOW, replace(window, night=night))
        skipped = asdict(window.skipped)
        job.seal(draft, {"days": len(window.days), "last_day": window.last_day, "skipped": skipped})
    demand_something_new(job, form, night)
    if asked["state"]:
        take_for(asked["state"], FENCE, job.flag("run"), job.scenario.deadline_hours)
    job.answer({"uri": job.output_uri(), "last_day": window.last_day or ""})


def demand_something_new(job: Job, form: RunForm, night: str) -> None:
    """Raises NothingNew where the channel has served what the run would make."""
    if form.again or form.dry_run or not job.arguments["store"]:
        return
    catalogue = Catalogue.at(join(job.flag("store"), job.scenario.name), Trust.of())
    channel = job.scenario.release.channel
    if found := catalogue.served_of_night(channel, night):
        raise NothingNew(
            f"nothing is new: release {found.number} of {found.published_at} was made of the same "
            f"files up to {found.last_day}, by the same scenario and code, and channel {channel} "
            "has served it; the form's `again` runs the night all the same"
        )


if __name__ == "__main__":
    command.run(
        check_run, __doc__, inputs=("form",), options=("logs", "run-type", "store", "state", "run")
    )
