"""Publish a feature snapshot, and let its channel serve it.

    python jobs/publish_snapshot.py --scenario short_video --snapshot URI --validation URI
        --store s3://models --output URI

`--validation` is the successful report of the events that the snapshot was made of. It is a
release of its own, in the store `<store>/<scenario>_snapshot`, on the scenario's channel: signed,
pulled and opened before the channel moves, held, rolled back and swept as models are. It does not
wait for the gate: the model that is served needs today's counts also where tonight's was refused.
Needs SECATEUR_SIGNING_KEY. Exit 65: the store does not enforce conditional writes.
"""

from dataclasses import replace

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.data import Profile
from secateur.releases.layout import snapshots_uri
from secateur.releases.publisher import Publisher
from secateur.releases.snapshots import publish_snapshot as publish
from secateur.storage import join


def publish_snapshot(job: Job) -> None:
    """Publish the snapshot, seal the receipt."""
    snapshot = job.open("snapshot", "FeatureSnapshot")
    report = job.open("validation", "ValidationReport")
    days = tuple(sorted(report.read(artifact_files.PROFILE, Profile).days))
    rules = job.use(job.scenario.release)
    uri = snapshots_uri(join(job.flag("store"), job.scenario.name))
    publisher = replace(Publisher.at(uri), valid_hours=rules.valid_hours)
    with job.create("Release") as draft:
        receipt = publish(publisher, rules.channel, snapshot, report, days, rules.older_data)
        draft.write(artifact_files.RECEIPT, receipt)
        facts = {"number": receipt.number, "channel": rules.channel, "served": receipt.served}
        job.seal(draft, facts)
    job.answer({"uri": job.output_uri(), "moved": receipt.move(snapshot.digest, days)})


if __name__ == "__main__":
    command.run(publish_snapshot, __doc__, inputs=("snapshot", "validation", "store"))
