"""Delete releases that are old and not served, and the blobs that they alone name.

    python jobs/sweep_releases.py --scenario short_video --store s3://models --keep 14
        --delete --output URI

Stays: the `--keep` newest releases, all that any channel serves, and what is younger than
`--grace-hours` (24). Without `--delete` it only says what would go. Needs SECATEUR_VERIFY_KEY.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.flags import sweep_flags
from secateur.releases.catalogue import Catalogue
from secateur.releases.signing import Trust
from secateur.releases.sweeping import sweep
from secateur.storage import join


def sweep_releases(job: Job) -> None:
    """Sweep, seal what was deleted."""
    catalogue = Catalogue.at(join(job.flag("store"), job.scenario.name), Trust.of())
    asked = job.arguments
    with job.create("Sweep") as draft:
        grace_s = asked["grace_hours"] * 3600
        receipt = sweep(catalogue, asked["keep"], grace_s, dry_run=not asked["delete"])
        draft.write(artifact_files.RECEIPT, receipt)
        job.seal(draft, {"releases": len(receipt.releases), "bytes": receipt.bytes})


if __name__ == "__main__":
    command.run(sweep_releases, __doc__, inputs=("store",), more_flags=sweep_flags)
