"""Read a window of raw log days, keep the usable rows, quarantine the rest with its reasons.

    python jobs/clean_events.py --scenario short_video --output URI

Needs SECATEUR_ID_KEY, the secret that hashes user ids. Exits 65, with the quarantine sealed, when
more rows were unusable than the scenario's budget allows.
"""

import tempfile
from dataclasses import asdict
from pathlib import Path

from secateur import command, identity
from secateur.command import Job
from secateur.contracts.errors import QuarantineExceeded
from secateur.events import cleaning, window, writing
from secateur.events.cleaning import Rules
from secateur.spark import session


def clean_events(job: Job) -> None:
    """Turn raw log files into an EventSet."""
    key = identity.id_key()
    scenario = job.scenario
    rules = Rules(job.use(scenario.logs), job.use(scenario.label), job.use(scenario.cleaning))
    with tempfile.TemporaryDirectory() as scratch, job.create("EventSet") as draft:
        log = window.open_log(rules.logs, job.arguments["logs"] or rules.logs.uri, Path(scratch))
        job.note("logs", log.digest)
        marked = cleaning.mark(session(), log, rules, key)
        counts = writing.write(marked, rules, log, draft.folder)
        draft.write("counts.json", counts)
        job.seal(draft, {"id_key": identity.fingerprint(key), **asdict(counts)})
    share, budget = counts.quarantined / counts.rows_in, rules.cleaning.quarantine_budget
    if share > budget or not counts.kept:
        raise QuarantineExceeded(
            f"{counts.quarantined:,} of {counts.rows_in:,} rows ({share:.2%}) are unusable, the "
            f"budget is {budget:.2%}: {counts.reasons}; see {job.flag('output')}/quarantine"
        )


if __name__ == "__main__":
    command.run(clean_events, __doc__, options=("logs",))
