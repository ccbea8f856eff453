"""Take a snapshot of what a service cannot know: users' and items' columns, counters, histories.

    python jobs/build_snapshot.py --scenario short_video --events URI --validation URI --output URI

Demands the successful ValidationReport of exactly these events. All is as of the midnight that ends
the window, made by the code that makes the rows of `build_features`. With `--state URI` the days'
counts that were kept there are not made again; what is sealed is the same.

The output holds `snapshot.json` and a folder a table (see `secateur/snapshot/keyed_tables.py`).
"""

import tempfile

from secateur import command
from secateur.command import Job
from secateur.features.days.event_window import EventWindow
from secateur.features.history.kept_counts import count_days, daily_counts
from secateur.features.snapshot.take_snapshot import take_snapshot
from secateur.snapshot.keyed_tables import SNAPSHOT
from secateur.spark import session


def build_snapshot(job: Job) -> None:
    """Turn an EventSet into a FeatureSnapshot."""
    events = job.open_validated("events", "EventSet")
    logs, features = job.use(job.scenario.logs), job.use(job.scenario.features)
    window = EventWindow.open(session(), events.folder, logs, features)
    id_key = str(events.manifest.facts["id_key"])
    with (
        tempfile.TemporaryDirectory(prefix="secateur-") as scratch,
        job.create("FeatureSnapshot") as draft,
    ):
        kept = count_days(job.arguments.get("state") or scratch, events, features, logs)
        with daily_counts(window, features, kept) as counts:
            snapshot = take_snapshot(counts, features, job.scenario.name, id_key, draft.folder)
        draft.write(SNAPSHOT, snapshot)
        rows = {" x ".join(table.keys): table.rows for table in snapshot.tables}
        job.seal(draft, {"last_day": snapshot.last_day, "rows": rows, "id_key": id_key})


if __name__ == "__main__":
    command.run(build_snapshot, __doc__, inputs=("events", "validation"), options=("state",))
