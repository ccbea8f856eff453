"""Delete releases that are old and not served, and the blobs that they alone name.

    python jobs/sweep_releases.py --scenario short_video --store s3://models --keep 14
        --delete --output URI

Stays: the `--keep` newest releases, all that any channel serves, and what is younger than
`--grace-hours` (24); of the feature snapshots beside the models likewise. Without `--delete` it
only says what would go. Needs SECATEUR_VERIFY_KEY.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts.artifact_files import RECEIPT, SNAPSHOT_RECEIPT
from secateur.flags import sweep_flags
from secateur.releases.catalogue import Catalogue
from secateur.releases.layout import snapshots_uri
from secateur.releases.signing import Trust
from secateur.releases.sweeping import sweep
from secateur.storage import join


def sweep_releases(job: Job) -> None:
    """Sweep, seal what was deleted."""
    models = join(job.flag("store"), job.scenario.name)
    asked = job.arguments
    with job.create("Sweep") as draft:
        swept = {}
        for name, uri in ((RECEIPT, models), (SNAPSHOT_RECEIPT, snapshots_uri(models))):
            catalogue, grace_s = Catalogue.at(uri, Trust.of()), asked["grace_hours"] * 3600
            swept[name] = sweep(catalogue, asked["keep"], grace_s, dry_run=not asked["delete"])
            draft.write(name, swept[name])
        facts = {"releases": len(swept[RECEIPT].releases)}
        facts |= {"snapshots": len(swept[SNAPSHOT_RECEIPT].releases)}
        job.seal(draft, facts | {"bytes": sum(one.bytes for one in swept.values())})


if __name__ == "__main__":
    command.run(sweep_releases, __doc__, inputs=("store",), more_flags=sweep_flags)
