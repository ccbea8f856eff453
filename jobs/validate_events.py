"""Hold an EventSet against what the scenario expects of it.

    python jobs/validate_events.py --scenario short_video --events URI [--state URI] --output URI

`--state` is what accepted nights left behind: drift is measured against the newest of them that
ended on an earlier day. Seals a ValidationReport of exactly these events, with their profile and
Data Docs beside it; exits 65 if a rule is broken.
"""

from dataclasses import replace

from secateur import command
from secateur.command import Job
from secateur.contracts.artifact_files import COUNTS, PROFILE
from secateur.contracts.data import CleaningCounts, Profile
from secateur.scenario import PurchaseLabel, context_of
from secateur.spark import session
from secateur.validation import sealed_frames
from secateur.validation.drift import event_profile, reference_night
from secateur.validation.drift.comparison import compare_nights
from secateur.validation.examination import examine
from secateur.validation.suites.event_suites import RowsByDay, event_suites
from secateur.validation.suites.negative_suites import negative_suites
from secateur.validation.suites.side_suites import changed_sides, side_suites, undated_sides


def validate_events(job: Job) -> None:
    """Turn an EventSet into its ValidationReport."""
    events = job.open("events", "EventSet")
    logs, features = job.use(job.scenario.logs), job.use(job.scenario.features)
    validation = job.use(job.scenario.validation)
    counts, label = events.read(COUNTS, CleaningCounts), job.use(job.scenario.label)
    counted = counts.days
    reference = reference_night.before(job.arguments.get("state"), max(counted, default=""))
    if reference:
        job.note("reference", reference.digest)
    rows = sealed_frames.events(session(), events.folder, logs)
    sides = undated_sides(events.manifest.facts)
    profile = replace(event_profile.profile(rows, validation.drift), sides=sides)
    then = reference.read(PROFILE, Profile) if reference else None
    compared = compare_nights(rows, validation.drift, profile, reference)
    context = context_of(label) is not None
    days = RowsByDay(profile.days, counted)
    suites = event_suites(rows, days, features, logs, validation, context)
    suites += side_suites(rows, events.folder, logs.sides)
    if counts.drawn and isinstance(label, PurchaseLabel):
        suites += negative_suites(counts.drawn, label.negatives)
    found = examine(events, suites, profile.rows, validation.min_rules, compared)
    found = found.with_risks(changed_sides(sides, then))
    with job.create("ValidationReport") as draft:
        found.write(draft.folder)
        draft.write(PROFILE, profile)
        job.seal(draft, found.facts)
    found.demand_success(job.flag("output"))


if __name__ == "__main__":
    command.run(validate_events, __doc__, inputs=("events",), options=("state",))
