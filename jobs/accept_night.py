"""Remember a released night: the nights to come are held against its events.

    python jobs/accept_night.py --scenario short_video --verdict URI --events-report URI
        --state URI --output URI

Seals the events' profile as the AcceptedNight `<state>/accepted/<last day>`, replacing an earlier
one of that day, and the receipt at `--output`. Exits 65 where the verdict accepts nothing or the
report failed: a refused night is no reference.
"""

from secateur import artifacts, command
from secateur.command import Job
from secateur.contracts.data import Acceptance, Profile, ValidationReport
from secateur.contracts.errors import Refused
from secateur.contracts.judgement import Verdict
from secateur.validation import references


def accept_night(job: Job) -> None:
    """Seal the profile of the night's events where later nights look for it."""
    verdict = artifacts.open_artifact(job.flag("verdict"), "Verdict")
    if not verdict.read("verdict.json", Verdict).accepted:
        raise Refused(f"{verdict.uri} accepts no package, so its night is no reference")
    report = job.open("events-report", "ValidationReport")
    if not report.read("report.json", ValidationReport).success:
        raise Refused(f"{report.uri} failed, so its night is no reference")
    profile = report.read(references.PROFILE, Profile)
    place = references.place(job.flag("state"), profile.last_day)
    with artifacts.create(place, references.KIND) as draft:
        draft.write(references.PROFILE, profile)
        accepted = job.seal(draft, {"last_day": profile.last_day}).digest
    job.note("verdict", verdict.digest)  # only here: it holds times, the profile is repeatable
    with job.create("Acceptance") as draft:
        draft.write("receipt.json", Acceptance(profile.last_day, accepted))
        job.seal(draft, {"last_day": profile.last_day})


if __name__ == "__main__":
    command.run(accept_night, __doc__, inputs=("verdict", "events-report", "state"))
