"""Delete what old nights left: their run folders, and what of the state no later night needs.

    python jobs/sweep_nights.py --scenario short_video --run URI --state URI
        --keep-days 60 --keep 14 --delete --output URI

`--run` is the folder that holds the scenario's runs. Stays: the `--keep` newest runs, and as many
days of what accepted nights left; and whatever was written within `--keep-days` days, which must be
more than a window. How often held-out days were asked is never forgotten. Without `--delete` it
only says what would go. Exit 85: a night is at work.
"""

import re
import time

from secateur import command
from secateur.accepted import LEVELS, MASTERS, NIGHTS, PRUNINGS
from secateur.command import Job
from secateur.contracts.artifact_files import FENCE, RECEIPT
from secateur.contracts.data import NightSweep
from secateur.contracts.errors import UsageError
from secateur.contracts.manifest import MANIFEST
from secateur.flags import night_sweep_flags
from secateur.storage import open_store
from secateur.storage.lease import give_up, take_for
from secateur.storage.old_folders import Folder, folders_at, remove_folder

SECONDS_A_DAY = 24 * 3600
KEPT_DAYS = ("clean_events", "build_features")  # made again where they are missed
RUN = re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}")  # as Airflow's side names a run's folder
FENCE_HOURS = 1


def sweep_nights(job: Job) -> None:
    """Look what is old, delete it if told, seal what went."""
    asked, logs = job.arguments, job.use(job.scenario.logs)
    least = logs.window_days + job.scenario.cleaning.late_days
    if asked["keep"] < 1 or asked["keep_days"] <= least:
        raise UsageError(f"keep one run at least, and more than the {least} days of a window")
    before = time.time() - asked["keep_days"] * SECONDS_A_DAY
    keep, runs, state = asked["keep"], job.flag("run"), job.flag("state")
    left = open_store(state)
    take_for(state, FENCE, job.output_uri(), FENCE_HOURS)
    try:
        of_nights = [f for f in folders_at(open_store(runs), "", 1) if RUN.fullmatch(f.key)]
        old_runs = old(of_nights[keep:], before)
        old_state = [f for verb in KEPT_DAYS for f in old(folders_at(left, f"{verb}/", 2), before)]
        for shelf in (NIGHTS, MASTERS, LEVELS, PRUNINGS):
            # A backfill writes an older day later: the newest days are told by their names.
            by_day = sorted(folders_at(left, f"{shelf.folder}/", 1), key=lambda f: f.key)
            old_state += old(by_day[:-keep], before)
        if asked["delete"]:
            for uri, folders in ((runs, old_runs), (state, old_state)):
                for folder in folders:
                    remove_folder(uri, folder, MANIFEST)
    finally:
        give_up(left, FENCE, job.output_uri())
    with job.create("NightSweep") as draft:
        keys = tuple(f.key for f in old_runs), tuple(f.key for f in old_state)
        receipt = NightSweep(not asked["delete"], *keys, sum(f.bytes for f in old_runs + old_state))
        draft.write(RECEIPT, receipt)
        job.seal(draft, {"runs": len(old_runs), "state": len(old_state), "bytes": receipt.bytes})


def old(folders: list[Folder], before: float) -> list[Folder]:
    """Those that were not written to since `before`."""
    return [folder for folder in folders if folder.modified < before]


if __name__ == "__main__":
    command.run(sweep_nights, __doc__, inputs=("run", "state"), more_flags=night_sweep_flags)
