"""Keep a channel where it is, pin it to a release, or let nights move it again.

    python jobs/hold_channel.py --scenario short_video --store s3://models
        --reason "the campaign runs" [--release 3 | --resume] --output URI

Nights go on making releases, and leave a held channel alone. With `--release` it serves that one
first, which is pulled and scored before. `--channel` is the scenario's by default. Seals the
pointer that the channel has then. Needs SECATEUR_SIGNING_KEY.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.flags import hold_flags
from secateur.releases.by_hand import holding
from secateur.releases.publisher import Publisher
from secateur.storage import join


def hold_channel(job: Job) -> None:
    """Hold or resume the channel, seal its pointer."""
    asked, reason = job.arguments, job.flag("reason")
    publisher = Publisher.at(join(job.flag("store"), job.scenario.name))
    channel = asked["channel"] or job.use(job.scenario.release).channel
    with job.create("ChannelHold") as draft:
        if asked["resume"]:
            pointer = holding.resume(publisher, channel, reason, asked["by"])
        else:
            pointer = holding.hold(publisher, channel, reason, asked["by"], asked["release"])
        draft.write(artifact_files.POINTER, pointer)
        job.seal(draft, {"channel": channel, "release": pointer.release, "epoch": pointer.epoch})


if __name__ == "__main__":
    command.run(hold_channel, __doc__, inputs=("store",), more_flags=hold_flags)
