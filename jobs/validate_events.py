"""Hold an EventSet against what the scenario expects of it.

    python jobs/validate_events.py --scenario short_video --events URI [--state URI] --output URI

`--state` is what accepted nights left behind: drift is measured against the newest of them that
ended on an earlier day. Seals a ValidationReport of exactly these events, with their profile and
Data Docs beside it; exits 65 if a rule is broken.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts.data import CleaningCounts
from secateur.spark import session
from secateur.validation import reading
from secateur.validation.drift import comparison, event_profile, reference_night
from secateur.validation.examination import examine
from secateur.validation.suites.event_suites import events_checks


def validate_events(job: Job) -> None:
    """Turn an EventSet into its ValidationReport."""
    events = job.open("events", "EventSet")
    logs, features = job.use(job.scenario.logs), job.use(job.scenario.features)
    validation = job.use(job.scenario.validation)
    comparison.demand_no_user(validation.drift, logs.user)
    counted = events.read("counts.json", CleaningCounts).days
    reference = reference_night.before(job.arguments.get("state"), max(counted, default=""))
    if reference:
        job.note("reference", reference.digest)
    rows = reading.events(session(), events.folder, logs)
    profile = event_profile.profile(rows, validation.drift)
    compared = comparison.compare(rows, validation.drift, profile, reference)
    checks = events_checks(rows, counted, features, logs, validation)
    found = examine(events, checks, profile.rows, validation.min_rules, compared)
    with job.create("ValidationReport") as draft:
        found.write(draft.folder)
        draft.write(reference_night.PROFILE, profile)
        job.seal(draft, found.facts)
    found.demand_success(job.flag("output"))


if __name__ == "__main__":
    command.run(validate_events, __doc__, inputs=("events",), options=("state",))
