"""Publish the package that the verdict accepts, and let the channel serve it.

    python jobs/publish_release.py --scenario short_video --candidates URI --verdict URI
        --store s3://models --output URI

`--candidates` is the folder that holds `<recipe>/package`; the scenario's name is appended to
`--store`. Blobs, manifest and signature are written first, then the release is pulled and scored
by the real client, and only then the channel moves. Run again, it finishes or finds what it began.
With `--target NAME`, a target of the search, the channel is that target's, `<channel>_<target>`.
Needs SECATEUR_SIGNING_KEY. Exit 65: the store does not enforce conditional writes.
"""

from secateur import command
from secateur.artifacts import open_artifact
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.errors import ArtifactError
from secateur.contracts.judgement import Verdict
from secateur.releases.publisher import Publisher
from secateur.releases.publishing import publish
from secateur.storage import join


def publish_release(job: Job) -> None:
    """Find the accepted package, publish it, seal the receipt."""
    verdict = job.open("verdict", "Verdict")
    decision = verdict.read(artifact_files.VERDICT, Verdict)
    if not (decision.accepted and decision.chosen):
        raise ArtifactError(f"{verdict.uri} accepts no package: {decision.reason}")
    package = open_artifact(join(job.flag("candidates"), decision.chosen, "package"), "Package")
    job.note("package", package.digest)
    publisher = Publisher.at(join(job.flag("store"), job.scenario.name))
    channel = job.use(job.scenario.release).channel
    if job.arguments.get("target"):
        channel = f"{channel}_{job.scenario.target(job.flag('target')).name}"
    with job.create("Release") as draft:
        receipt = publish(publisher, channel, package, verdict)
        draft.write(artifact_files.RECEIPT, receipt)
        job.seal(draft, {"number": receipt.number, "channel": channel, "served": receipt.served})


if __name__ == "__main__":
    command.run(
        publish_release, __doc__, inputs=("candidates", "verdict", "store"), options=("target",)
    )
