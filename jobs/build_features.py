"""Learn vocabularies and scales from the train days, and encode every day, point in time.

    python jobs/build_features.py --scenario short_video --events URI --validation URI --output URI

Demands the successful ValidationReport of exactly these events. With `--state URI` each day's
counts are kept there, and a later night counts only the days that are new; what it seals is the
same.

The output holds `schema.json`, `vocabulary.parquet` and a folder a split with a part a day.
"""

import tempfile

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.data import CleaningCounts
from secateur.features.building import Plan, build_feature_set
from secateur.features.days.event_window import EventWindow
from secateur.features.history.kept_counts import count_days, daily_counts
from secateur.features.schema import Heading, demand_event_columns
from secateur.features.split import split_window
from secateur.scenario import tasks_of
from secateur.spark import session


def build_features(job: Job) -> None:
    """Turn an EventSet into a FeatureSet."""
    events = job.open_validated("events", "EventSet")
    logs, features = job.use(job.scenario.logs), job.use(job.scenario.features)
    label, id_key = job.use(job.scenario.label), str(events.manifest.facts["id_key"])
    missing = job.use(job.scenario.cleaning).missing
    window = EventWindow.open(session(), events.folder, logs, features)
    plan = Plan(window, split_window(window, features), features)
    drawn = events.read(artifact_files.COUNTS, CleaningCounts).drawn
    heading = Heading(
        scenario=job.scenario.name,
        label=label.name,
        id_key=id_key,
        tasks=tuple(tasks_of(label)),
        missing=missing,
        timezone=logs.timezone,
        window_days=logs.window_days,
        drawn_rate=drawn.rate(plan.splits.days["train"]) if drawn else None,
    )
    demand_event_columns(features, window.columns, heading.task_columns)
    with (
        tempfile.TemporaryDirectory(prefix="secateur-") as scratch,
        job.create("FeatureSet") as draft,
    ):
        kept = count_days(job.arguments.get("state") or scratch, events, features, logs)
        with daily_counts(window, features, kept) as counts:
            schema, facts = build_feature_set(plan, counts, heading, draft.folder)
        draft.write(artifact_files.SCHEMA, schema)
        facts |= {"id_key": id_key, "fields": len(schema.inputs)}
        job.seal(draft, facts)


if __name__ == "__main__":
    command.run(build_features, __doc__, inputs=("events", "validation"), options=("state",))
