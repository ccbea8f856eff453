"""Delete releases that are old and not served, and the blobs that they alone name.

    python jobs/sweep_releases.py --scenario short_video --store s3://models --keep 14
        --dry-run no --output URI

Stays: the `--keep` newest releases, all that any channel serves, and what is younger than
`--grace-hours` (24). Without `--dry-run no` it only says what would go. Needs SECATEUR_VERIFY_KEY.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts.errors import UsageError
from secateur.releases.catalogue import Catalogue
from secateur.releases.signing import Trust
from secateur.releases.sweeping import sweep
from secateur.storage import join


def sweep_releases(job: Job) -> None:
    """Sweep, seal what was deleted."""
    catalogue = Catalogue.at(join(job.flag("store"), job.scenario.name), Trust.of())
    try:
        keep, hours = int(job.flag("keep")), float(job.arguments["grace_hours"] or 24)
    except ValueError as error:
        raise UsageError(f"--keep and --grace-hours are numbers: {error}") from error
    dry_run = job.arguments["dry_run"] != "no"
    with job.create("Sweep") as draft:
        receipt = sweep(catalogue, keep, hours * 3600, dry_run)
        draft.write("receipt.json", receipt)
        job.seal(draft, {"releases": len(receipt.releases), "bytes": receipt.bytes})


if __name__ == "__main__":
    command.run(
        sweep_releases, __doc__, inputs=("store", "keep"), options=("grace-hours", "dry-run")
    )
