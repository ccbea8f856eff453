"""Let a channel serve a release that it has served before, and say why.

    python jobs/roll_back.py --scenario short_video --store s3://models --release 7
        --reason "scores drift since Tuesday" --output URI

The release is pulled and scored first; the channel's epoch grows. The next night's release moves
the channel on. `--channel` is the scenario's by default. Needs SECATEUR_SIGNING_KEY.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts.errors import UsageError
from secateur.releases import rolling_back
from secateur.releases.catalogue import Catalogue
from secateur.releases.signing import Signer
from secateur.storage import join


def roll_back(job: Job) -> None:
    """Move the channel, seal the pointer that it has now."""
    number = job.flag("release")
    if not number.isdigit():
        raise UsageError(f"--release {number}: a release is a number")
    signer = Signer.of()
    catalogue = Catalogue.at(join(job.flag("store"), job.scenario.name), signer.trust())
    channel = job.arguments["channel"] or job.use(job.scenario.release).channel
    with job.create("RollBack") as draft:
        reason = job.flag("reason")
        pointer = rolling_back.roll_back(catalogue, signer, channel, int(number), reason)
        draft.write("pointer.json", pointer)
        job.seal(draft, {"channel": channel, "release": pointer.release, "epoch": pointer.epoch})


if __name__ == "__main__":
    command.run(roll_back, __doc__, inputs=("store", "release", "reason"), options=("channel",))
