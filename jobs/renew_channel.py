"""Sign anew what a channel serves, so that readers can tell a quiet store from a frozen one.

    python jobs/renew_channel.py --scenario short_video --store s3://models --output URI

The channel moves nowhere: its epoch grows, and it is good for `release.valid_days` from now, or for
as long as it was. Run it every night, also where the night was refused. With `--target NAME`, a
target of the search, the channel is that target's. Needs SECATEUR_SIGNING_KEY.
"""

from dataclasses import replace

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.releases import channels
from secateur.releases.publisher import Publisher
from secateur.storage import join


def renew_channel(job: Job) -> None:
    """Renew the pointer, seal it as it is now."""
    rules = job.use(job.scenario.release)
    publisher = Publisher.at(join(job.flag("store"), job.scenario.name))
    channel = rules.channel
    if job.arguments.get("target"):
        channel = f"{channel}_{job.scenario.target(job.flag('target')).name}"
    with job.create("Renewal") as draft:
        publisher = replace(publisher, valid_hours=rules.valid_hours)
        pointer = channels.renew(publisher, channel)
        draft.write(artifact_files.POINTER, pointer)
        job.seal(draft, {"channel": channel, "release": pointer.release, "epoch": pointer.epoch})


if __name__ == "__main__":
    command.run(renew_channel, __doc__, inputs=("store",), options=("target",))
