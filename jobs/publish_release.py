"""Publish the package that the verdict accepts, and let the channel serve it.

    python jobs/publish_release.py --scenario short_video --candidates URI --verdict URI
        --store s3://models --output URI

`--candidates` is the folder that holds `<recipe>/package`; the scenario's name is appended to
`--store`. Blobs, manifest and signature are written first, then the release is pulled and scored
by the real client, and only then the channel moves. Run again, it finishes or finds what it began.
The channel stays where it is where somebody holds it, and where it serves data of a newer day and
`release.older_data` does not say otherwise; the receipt says why. `--window` and `--events-report`
tell the release of what its night went by, and of its days.
With `--target NAME`, a target of the search, the channel is that target's, `<channel>_<target>`.
Needs SECATEUR_SIGNING_KEY. Exit 65: the store does not enforce conditional writes.
"""

from dataclasses import replace

from secateur import command
from secateur.artifacts import open_artifact
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.data import Profile, RunWindow
from secateur.contracts.errors import ArtifactError
from secateur.contracts.judgement import Verdict
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import FromNight, publish
from secateur.storage import join


def publish_release(job: Job) -> None:
    """Find the accepted package, publish it, seal the receipt."""
    verdict = job.open("verdict", "Verdict")
    decision = verdict.read(artifact_files.VERDICT, Verdict)
    if not (decision.accepted and decision.chosen):
        raise ArtifactError(f"{verdict.uri} accepts no package: {decision.reason}")
    package = open_artifact(join(job.flag("candidates"), decision.chosen, "package"), "Package")
    job.note("package", package.digest)
    rules = job.use(job.scenario.release)
    publisher = Publisher.at(join(job.flag("store"), job.scenario.name))
    publisher = replace(publisher, valid_hours=rules.valid_hours)
    channel = rules.channel
    if job.arguments.get("target"):
        channel = f"{channel}_{job.scenario.target(job.flag('target')).name}"
    with job.create("Release") as draft:
        receipt = publish(publisher, channel, package, verdict, origin_of(job), rules.older_data)
        draft.write(artifact_files.RECEIPT, receipt)
        job.seal(draft, {"number": receipt.number, "channel": channel, "served": receipt.served})
    job.answer({"uri": job.output_uri(), "number": receipt.number, "kept": receipt.kept})


def origin_of(job: Job) -> FromNight:
    """What the night leaves in its release: by hand, a release may do without."""
    days: tuple[str, ...] = ()
    night = ""
    if job.arguments.get("events_report"):
        report = job.open("events-report", "ValidationReport")
        days = tuple(sorted(report.read(artifact_files.PROFILE, Profile).days))
    if job.arguments.get("window"):
        window = job.open("window", "RunWindow").read(artifact_files.WINDOW, RunWindow)
        night = window.night
    return FromNight(days, night)


if __name__ == "__main__":
    command.run(
        publish_release,
        __doc__,
        inputs=("candidates", "verdict", "store"),
        options=("target", "window", "events-report"),
    )
