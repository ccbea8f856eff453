"""Let a channel serve any signed release, such as one that it was held against, and say why.

    python jobs/republish_release.py --scenario short_video --store s3://models --release 7
        --reason "the campaign is over" --output URI

The release is pulled and scored first. A channel that is held is left alone: resume it before.
`--channel` is the scenario's by default. Seals the pointer that the channel has then. Needs
SECATEUR_SIGNING_KEY.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.flags import roll_back_flags
from secateur.releases.by_hand import rolling_back
from secateur.releases.publisher import Publisher
from secateur.storage import join


def republish_release(job: Job) -> None:
    """Move the channel, seal the pointer that it has now."""
    asked, reason = job.arguments, job.flag("reason")
    publisher = Publisher.at(join(job.flag("store"), job.scenario.name))
    channel = asked["channel"] or job.use(job.scenario.release).channel
    with job.create("Republishing") as draft:
        pointer = rolling_back.republish(publisher, channel, asked["release"], reason, asked["by"])
        draft.write(artifact_files.POINTER, pointer)
        job.seal(draft, {"channel": channel, "release": pointer.release, "epoch": pointer.epoch})


if __name__ == "__main__":
    command.run(republish_release, __doc__, inputs=("store",), more_flags=roll_back_flags)
