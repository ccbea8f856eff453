"""Let a channel serve a release that it has served before, and say why.

    python jobs/roll_back.py --scenario short_video --store s3://models --release 7
        --reason "scores drift since Tuesday" --output URI

The release is pulled and scored first; the channel's epoch grows. Nights leave the channel there
until `secateur resume`. `--channel` is the scenario's by default. Needs SECATEUR_SIGNING_KEY.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.flags import roll_back_flags
from secateur.releases.by_hand import rolling_back
from secateur.releases.publisher import Publisher
from secateur.storage import join


def roll_back(job: Job) -> None:
    """Move the channel, seal the pointer that it has now."""
    number, reason = job.arguments["release"], job.flag("reason")
    publisher = Publisher.at(join(job.flag("store"), job.scenario.name))
    channel = job.arguments["channel"] or job.use(job.scenario.release).channel
    with job.create("RollBack") as draft:
        pointer = rolling_back.roll_back(publisher, channel, number, reason, job.flag("by"))
        draft.write(artifact_files.POINTER, pointer)
        job.seal(draft, {"channel": channel, "release": pointer.release, "epoch": pointer.epoch})


if __name__ == "__main__":
    command.run(roll_back, __doc__, inputs=("store",), more_flags=roll_back_flags)
