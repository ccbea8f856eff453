"""Hold an EventSet against what the scenario expects of it.

    python jobs/validate_events.py --scenario short_video --events URI --output URI

Seals a ValidationReport of exactly these events, with Data Docs beside it; exits 65 if a rule is
broken.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts.data import CleaningCounts
from secateur.spark import read_parquet, session
from secateur.validation import suites
from secateur.validation.examination import examine


def validate_events(job: Job) -> None:
    """Turn an EventSet into its ValidationReport."""
    events = job.open("events", "EventSet")
    logs, validation = job.use(job.scenario.logs), job.use(job.scenario.validation)
    needed = [field.name for field in job.use(job.scenario.features).fields]
    days = tuple(events.read("counts.json", CleaningCounts).days)
    frame = read_parquet(session(), sorted(events.folder.glob("events/*/part-*.parquet")))
    checks = suites.events_checks(frame, days, needed, logs, validation)
    found = examine(events, checks, frame.count())
    with job.create("ValidationReport") as draft:
        found.write(draft.folder)
        job.seal(draft, found.facts)
    found.demand_success(job.flag("output"))


if __name__ == "__main__":
    command.run(validate_events, __doc__, inputs=("events",))
