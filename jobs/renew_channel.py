"""Sign anew what a scenario's channels serve: readers tell a quiet store from a frozen one by it.

    python jobs/renew_channel.py --scenario short_video --store s3://models --output URI

Renewed are the scenario's channel, those of its search's targets, and that of its feature
snapshots. None moves: its epoch grows, and it is good for `release.valid_days` from now, or for as
long as it was. One that is not there yet, or never expires, is left alone. Every night runs it,
also one that is refused. Needs SECATEUR_SIGNING_KEY.
"""

import logging
from dataclasses import replace

from secateur import command
from secateur.command import Job
from secateur.contracts.releases import ChannelPointer
from secateur.releases import channels
from secateur.releases.layout import snapshots_uri
from secateur.releases.publisher import Publisher
from secateur.storage import join

log = logging.getLogger("secateur.renew_channel")


def renew_channel(job: Job) -> None:
    """Renew the pointers, seal them as they are now."""
    rules = job.use(job.scenario.release)
    models = join(job.flag("store"), job.scenario.name)
    epochs = {}
    with job.create("Renewal") as draft:
        for uri in (models, snapshots_uri(models)):
            publisher = replace(Publisher.at(uri), valid_hours=rules.valid_hours)
            for channel in job.scenario.channels:
                if pointer := renew_if_it_expires(publisher, channel):
                    name = f"{pointer.scenario}.{channel}"
                    draft.write(f"{name}.json", pointer)
                    epochs[name] = pointer.epoch
        job.seal(draft, {"renewed": epochs})


def renew_if_it_expires(publisher: Publisher, channel: str) -> ChannelPointer | None:
    """Renew a channel; say why there is nothing to renew."""
    current = publisher.catalogue.pointer(channel)
    if current is None:
        log.info("%s has no channel %s yet", publisher.store.uri, channel)
        return None
    if not (publisher.valid_hours or current.pointer.valid_hours):
        log.info("%s: channel %s never expires (release.valid_days)", publisher.store.uri, channel)
        return None
    return channels.renew(publisher, channel)


if __name__ == "__main__":
    command.run(renew_channel, __doc__, inputs=("store",))
