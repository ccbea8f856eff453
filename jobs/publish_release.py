"""Publish the package that the verdict accepts, and let the channel serve it.

    python jobs/publish_release.py --scenario short_video --candidates URI --verdict URI
        --store s3://models --output URI

`--candidates` is the folder that holds `<recipe>/package`; the scenario's name is appended to
`--store`. Blobs, manifest and signature are written first, then the release is pulled and scored
by the real client, and only then the channel moves. Run again, it finishes or finds what it began.
With `--target NAME` the channel is that of a ladder's target, `<channel>_<target>`.
Needs SECATEUR_SIGNING_KEY. Exit 65: the store does not enforce conditional writes.
"""

from secateur import command
from secateur.artifacts import open_artifact
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.errors import ArtifactError
from secateur.contracts.judgement import Verdict
from secateur.releases.catalogue import Catalogue
from secateur.releases.publishing import publish
from secateur.releases.signing import Signer
from secateur.storage import join


def publish_release(job: Job) -> None:
    """Find the accepted package, publish it, seal the receipt."""
    verdict = job.open("verdict", "Verdict")
    decision = verdict.read(artifact_files.VERDICT, Verdict)
    if not (decision.accepted and decision.chosen and decision.dense_bytes):
        raise ArtifactError(f"{verdict.uri} accepts no package: {decision.reason}")
    place = join(job.flag("candidates"), decision.chosen, "package")
    package = open_artifact(place, "Package")
    job.note("package", package.digest)
    signer = Signer.of()
    catalogue = Catalogue.at(join(job.flag("store"), job.scenario.name), signer.trust())
    channel = job.use(job.scenario.release).channel
    if job.arguments.get("target"):
        channel = f"{channel}_{job.scenario.target(job.flag('target')).name}"
    with job.create("Release") as draft:
        receipt = publish(catalogue, signer, channel, package, verdict, decision.dense_bytes)
        draft.write(artifact_files.RECEIPT, receipt)
        job.seal(draft, {"number": receipt.number, "channel": channel, "served": receipt.served})


if __name__ == "__main__":
    command.run(
        publish_release, __doc__, inputs=("candidates", "verdict", "store"), options=("target",)
    )
