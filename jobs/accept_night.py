"""Remember a released night: the nights to come are held against its events.

    python jobs/accept_night.py --scenario short_video --verdict URI --events-report URI
        --dense URI --state URI [--features URI --candidates FOLDER] --output URI

Seals the events' profile as the AcceptedNight `<state>/accepted/<last day>`, how good the dense
model was, and what releases had lost, as the AcceptedLevels `<state>/levels/<last day>` and
`<state>/losses/<package>` and, where it holds what a later night
may go on from, that as the DenseMaster `<state>/masters/<day>`. Cuts that later ones hold to become
the AcceptedPrunings `<state>/prunings/<day>`. Each replaces an earlier one of that day. Exits 65
where the verdict accepts nothing or the report failed: a refused night is no reference.
"""

import shutil

from secateur import accepted, artifacts, command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.artifact_files import PROFILE, REPORT
from secateur.contracts.data import Acceptance, Profile, ValidationReport
from secateur.contracts.errors import Refused
from secateur.contracts.judgement import Verdict


def accept_night(job: Job) -> None:
    """Seal the profile of the night's events where later nights look for it."""
    verdict = artifacts.open_artifact(job.flag("verdict"), "Verdict")
    decision = verdict.read(artifact_files.VERDICT, Verdict)
    if not decision.accepted:
        raise Refused(f"{verdict.uri} accepts no package, so its night is no reference")
    report = job.open("events-report", "ValidationReport")
    if not report.read(REPORT, ValidationReport).success:
        raise Refused(f"{report.uri} failed, so its night is no reference")
    profile = report.read(PROFILE, Profile)
    nights = accepted.NIGHTS
    with artifacts.create(nights.uri(job.flag("state"), profile.last_day), nights.kind) as draft:
        draft.write(PROFILE, profile)
        sealed = job.seal(draft, {"last_day": profile.last_day}).digest
    for uri in accepted.uris_of_levels(job.flag("state"), decision):
        with artifacts.create(uri, accepted.LEVELS.kind) as draft:
            draft.write(artifact_files.LEVELS, decision.levels)
            job.seal(draft, {"last_day": profile.last_day})
    dense = job.open("dense", "ModelBundle")
    keep(job, accepted.left_by_model(dense))
    if job.arguments.get("candidates"):
        vocabulary = job.open("features", "FeatureSet").file(accepted.VOCABULARY)
        keep(job, accepted.left_by_cuts(job.flag("candidates"), dense.digest, vocabulary))
    job.note("verdict", verdict.digest)  # only here: it holds times, the profile is repeatable
    with job.create("Acceptance") as draft:
        draft.write(artifact_files.RECEIPT, Acceptance(profile.last_day, sealed))
        job.seal(draft, {"last_day": profile.last_day})


def keep(job: Job, left: accepted.Left | None) -> None:
    """Seal copies of what is left to later nights, if anything is."""
    if left is None:
        return
    with artifacts.create(left.shelf.uri(job.flag("state"), left.day), left.shelf.kind) as draft:
        for name, path in left.files.items():
            shutil.copyfile(path, draft.folder / name)
        job.seal(draft, {"last_day": left.day})


if __name__ == "__main__":
    command.run(
        accept_night,
        __doc__,
        inputs=("verdict", "events-report", "dense", "state"),
        options=("features", "candidates"),
    )
