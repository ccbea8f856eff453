"""Publish the package that the verdict accepts, and let the channel serve it.

    python jobs/publish_release.py --scenario short_video --candidates URI --verdict URI
        --store s3://models --output URI

`--candidates` is the folder that holds `<recipe>/package`. Blobs, manifest and signature are
written first, then the release is pulled and scored by the real client, and only then the channel
moves. Run again, it finishes or finds what it began. The channel stays where somebody holds it, and
where it serves data of a newer day and `release.older_data` does not say otherwise. `--window` and
`--events-report` tell the release its night and days, `--approval` who let it out: where the
scenario has `release.approval_hours` nothing goes out without (exit 64). The channel of `--target`
is `<channel>_<target>`. Needs SECATEUR_SIGNING_KEY. Exit 65: the store enforces no conditions.
"""

from dataclasses import replace

from secateur import command
from secateur.artifacts import open_artifact
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.data import Profile, RunWindow
from secateur.contracts.errors import ArtifactError
from secateur.contracts.judgement import Verdict
from secateur.releases.by_hand.approval import read_approval
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import FromNight, publish
from secateur.storage import join


def publish_release(job: Job) -> None:
    """Find the accepted package, publish it, seal the receipt."""
    verdict = job.open("verdict", "Verdict")
    said = verdict.read(artifact_files.VERDICT, Verdict)
    if not (said.accepted and said.chosen):
        raise ArtifactError(f"{verdict.uri} accepts no package: {said.reason}")
    package = open_artifact(join(job.flag("candidates"), said.chosen, "package"), "Package")
    job.note("package", package.digest)
    rules = job.use(job.scenario.release)
    there = Publisher.at(join(job.flag("store"), job.scenario.name))
    publisher = replace(there, valid_hours=rules.valid_hours)
    channel = job.scenario.channel_of(job.arguments.get("target"))
    with job.create("Release") as draft:
        origin = origin_of(job)
        receipt = publish(publisher, channel, package, verdict, origin, rules.older_data)
        draft.write(artifact_files.RECEIPT, receipt)
        job.seal(draft, {"number": receipt.number, "channel": channel, "served": receipt.served})
    told = {"uri": job.output_uri(), "number": receipt.number, "kept": receipt.kept}
    job.answer(told | {"moved": receipt.move(package.digest, origin.days)})


def origin_of(job: Job) -> FromNight:
    """What the night leaves in its release: by hand, a release may do without."""
    days: tuple[str, ...] = ()
    night = ""
    approval = read_approval(job.arguments.get("approval"), job.scenario.release.approval_hours)
    if job.arguments.get("events_report"):
        report = job.open("events-report", "ValidationReport")
        days = tuple(sorted(report.read(artifact_files.PROFILE, Profile).days))
    if job.arguments.get("window"):
        night = job.open("window", "RunWindow").read(artifact_files.WINDOW, RunWindow).night
    return FromNight(days, night, approval)


if __name__ == "__main__":
    command.run(
        publish_release,
        __doc__,
        inputs=("candidates", "verdict", "store"),
        options=("target", "window", "events-report", "approval"),
    )
