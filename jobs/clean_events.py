"""Read a window of raw log days, keep the usable rows, quarantine the rest with its reasons.

    python jobs/clean_events.py --scenario short_video --output URI

Needs SECATEUR_ID_KEY, the secret that hashes user ids. With `--state URI` each cleaned day is kept
there, and a later night cleans only the days that are new; what it seals is the same. Exits 65,
with the quarantine sealed, when more rows were unusable than the scenario's budget allows.

The output holds `events/` and `quarantine/`, a folder a day, `sides/` and `counts.json`.
"""

import tempfile
from dataclasses import asdict
from pathlib import Path

from secateur import command, identity
from secateur.command import Job
from secateur.contracts.errors import QuarantineExceeded
from secateur.events import assembly, sampling, window, writing
from secateur.events.cleaning import Rules
from secateur.events.days import DayStore
from secateur.spark import session


def clean_events(job: Job) -> None:
    """Turn raw log files into an EventSet."""
    key, scenario = identity.id_key(), job.scenario
    rules = Rules(job.use(scenario.logs), job.use(scenario.label), job.use(scenario.cleaning))
    with tempfile.TemporaryDirectory() as folder, job.create("EventSet") as draft:
        scratch, late = Path(folder), rules.cleaning.late_days
        log = window.open_log(rules.logs, job.arguments["logs"] or rules.logs.uri, scratch, late)
        job.note("logs", log.digest)
        store = DayStore(job.arguments.get("state") or str(scratch / "state"), log, rules, key)
        days, outside = writing.clean_days(session(), log, rules, key, store, scratch)
        counts = assembly.assemble(days, outside, draft.folder)
        writing.write_sides(session(), log, rules, key, draft.folder, scratch)
        job.note("scenario.seed", str(scenario.seed))
        counts = sampling.sample(session(), rules, scenario.seed, counts, draft.folder, scratch)
        draft.write("counts.json", counts)
        content = assembly.content_by_day(session(), draft.folder)
        facts = {"id_key": identity.fingerprint(key), "content": content}
        job.seal(draft, facts | asdict(counts))
    share, budget = counts.quarantined / counts.rows_in, rules.cleaning.quarantine_budget
    if share > budget or not counts.kept:
        raise QuarantineExceeded(
            f"{counts.quarantined:,} of {counts.rows_in:,} rows ({share:.2%}) are unusable, the "
            f"budget is {budget:.2%}: {counts.reasons}; see {job.flag('output')}/quarantine"
        )


if __name__ == "__main__":
    command.run(clean_events, __doc__, options=("logs", "state"))
