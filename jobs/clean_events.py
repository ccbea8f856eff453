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
from secateur.contracts.artifact_files import COUNTS
from secateur.contracts.errors import QuarantineExceeded
from secateur.events.clean_days import clean_days, event_days
from secateur.events.cleaning_context import CleaningContext, Rules
from secateur.events.event_set import assemble, content_by_day
from secateur.events.negative_sampling import sample_negatives
from secateur.events.raw_files import open_log
from secateur.events.side_tables import write_sides
from secateur.spark import session


def clean_events(job: Job) -> None:
    """Turn raw log files into an EventSet."""
    key, scenario = identity.id_key(), job.scenario
    rules = Rules(job.use(scenario.logs), job.use(scenario.label), job.use(scenario.cleaning))
    with tempfile.TemporaryDirectory() as folder, job.create("EventSet") as draft:
        scratch, late = Path(folder), rules.cleaning.late_days
        log = open_log(rules.logs, job.arguments["logs"] or rules.logs.uri, scratch, late)
        job.note("logs", log.digest)
        context = CleaningContext(session(), log, rules, key, scratch)
        kept = event_days(job.arguments.get("state"), context)
        counts = assemble(*clean_days(context, kept), draft.folder)
        write_sides(context, draft.folder)
        job.note("scenario.seed", str(scenario.seed))
        counts = sample_negatives(context, scenario.seed, counts, draft.folder)
        draft.write(COUNTS, counts)
        content = content_by_day(context.spark, draft.folder)
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
