"""Read a window of raw log days, keep the usable rows, quarantine the rest with its reasons.

    python jobs/clean_events.py --scenario short_video --output URI

Needs SECATEUR_ID_KEY, the secret that hashes user ids. With `--state URI` each cleaned day is kept
there, so that a later night cleans new days only, and users whom `secateur forget` noted there are
left out. Days that were delivered again since are named in the log, and sealed below it, in `late`.
Exits 65, with the evidence sealed, when more rows were lost than the scenario's budgets allow.

The output holds `events/` and `quarantine/`, a folder a day, `sides/` and `counts.json`.
"""

import logging
import tempfile
from dataclasses import asdict
from pathlib import Path

from secateur import command, identity
from secateur.command import Job
from secateur.contracts.artifact_files import COUNTS
from secateur.contracts.record import digest
from secateur.events.clean_days import clean_days, event_days
from secateur.events.cleaning_context import CleaningContext, Rules
from secateur.events.columns.expressions import wrong_values_told
from secateur.events.event_set import assemble, content_by_day
from secateur.events.late_days import days_delivered_again, seal_late_days
from secateur.events.negatives.sampling import sample_negatives
from secateur.events.raw_files import open_log
from secateur.events.raw_rows import refusing_damage
from secateur.events.selection.budgets import demand_within_budgets, in_words
from secateur.events.side_tables import write_sides
from secateur.scenario.raw_log.column_names import naming_rules
from secateur.scenario.scenario_check import columns_named
from secateur.spark import session

log = logging.getLogger("secateur")


def clean_events(job: Job) -> None:
    """Turn raw log files into an EventSet."""
    key, scenario = identity.id_key(), job.scenario
    rules = Rules(job.use(scenario.logs), job.use(scenario.label), job.use(scenario.cleaning))
    with tempfile.TemporaryDirectory() as folder, job.create("EventSet") as draft:
        scratch, uri = Path(folder), job.arguments["logs"] or rules.logs.uri
        names = naming_rules(rules.logs, rules.label, columns_named(scenario))
        raw = open_log(rules.logs, uri, scratch, rules.cleaning.late_days, names)
        job.note("logs", raw.digest)
        job.note("columns", digest(raw.columns))
        context = CleaningContext(session(), raw, rules, key, scratch, job.arguments.get("state"))
        kept = event_days(context)
        again = days_delivered_again(raw, kept)
        with wrong_values_told(rules.logs):
            days, outside = clean_days(context, kept)
        counts = assemble(days, outside, draft.folder)
        with refusing_damage(list(raw.sides.values())):
            sides = write_sides(context, draft.folder)
        job.note("scenario.seed", str(scenario.seed))
        with wrong_values_told(rules.logs):
            counts = sample_negatives(context, scenario.seed, counts, draft.folder)
        draft.write(COUNTS, counts)
        content = content_by_day(context.spark, draft.folder)
        facts = {"id_key": identity.fingerprint(key), "content": content, "sides": sides}
        job.seal(draft, facts | asdict(counts) | {"erased": len(context.erasures)})
    seal_late_days(job, again)
    log.info("%s", in_words(counts))
    demand_within_budgets(counts, rules.cleaning, job.flag("output"))


if __name__ == "__main__":
    command.run(clean_events, __doc__, options=("logs", "state"))
