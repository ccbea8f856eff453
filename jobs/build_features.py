"""Learn vocabularies and boundaries from the train days, and encode every day to ids.

    python jobs/build_features.py --scenario short_video --events URI --validation URI --output URI

Demands the successful ValidationReport of exactly these events.
"""

from secateur import command
from secateur.artifacts import demand_receipt
from secateur.command import Job
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import Refused
from secateur.contracts.features import FeatureSchema
from secateur.features import building
from secateur.features.split import split_days
from secateur.spark import session


def build_features(job: Job) -> None:
    """Turn an EventSet into a FeatureSet."""
    events = job.open("events", "EventSet")
    report = job.open("validation", "ValidationReport").read("report.json", ValidationReport)
    demand_receipt(report.subject, events)
    if not report.success:
        raise Refused(f"{events.uri} failed its validation; see {job.flag('validation')}")
    logs, features = job.use(job.scenario.logs), job.use(job.scenario.features)
    label, id_key = job.use(job.scenario.label).column, str(events.manifest.facts["id_key"])
    files = building.event_files(events.folder)
    splits = split_days(tuple(files), features)
    with job.create("FeatureSet") as draft:
        learned, rows = building.build(session(), files, splits, features, logs, draft.folder)
        fields = (learned.categories, learned.buckets)
        draft.write("schema.json", FeatureSchema(job.scenario.name, label, *fields, id_key))
        facts = {"id_key": id_key, "days": splits, "rows": rows}
        job.seal(draft, facts | {"fields": sum(map(len, fields))})


if __name__ == "__main__":
    command.run(build_features, __doc__, inputs=("events", "validation"))
