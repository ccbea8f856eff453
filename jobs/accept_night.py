"""Remember a released night: the nights to come are held against its events.

    python jobs/accept_night.py --scenario short_video --verdict URI --events-report URI
        --dense URI --state URI --output URI

Seals the events' profile as the AcceptedNight `<state>/accepted/<last day>` and, where the dense
model holds what a later night may go on from, that as the DenseMaster `<state>/masters/<day>`. Each
replaces an earlier one of that day. Seals the receipt at `--output`. Exits 65 where the verdict
accepts nothing or the report failed: a refused night is no reference.
"""

import shutil

from secateur import artifacts, command
from secateur.accepted import EVENTS, MASTER, MASTER_FILES, MASTERS
from secateur.command import Job
from secateur.contracts.data import Acceptance, Profile, ValidationReport
from secateur.contracts.errors import Refused
from secateur.contracts.judgement import Verdict
from secateur.contracts.models import Master
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
    with artifacts.create(EVENTS.place(job.flag("state"), profile.last_day), EVENTS.kind) as draft:
        draft.write(references.PROFILE, profile)
        sealed = job.seal(draft, {"last_day": profile.last_day}).digest
    keep_master(job)
    job.note("verdict", verdict.digest)  # only here: it holds times, the profile is repeatable
    with job.create("Acceptance") as draft:
        draft.write("receipt.json", Acceptance(profile.last_day, sealed))
        job.seal(draft, {"last_day": profile.last_day})


def keep_master(job: Job) -> None:
    """Copy what the dense model leaves to later nights, if it does."""
    dense = job.open("dense", "ModelBundle")
    if MASTER not in {entry.path for entry in dense.manifest.files}:
        return
    day = dense.read(MASTER, Master).last_day
    with artifacts.create(MASTERS.place(job.flag("state"), day), MASTERS.kind) as draft:
        for name in MASTER_FILES:
            shutil.copyfile(dense.file(name), draft.folder / name)
        job.seal(draft, {"last_day": day})


if __name__ == "__main__":
    command.run(accept_night, __doc__, inputs=("verdict", "events-report", "dense", "state"))
