"""Hold a FeatureSet against its schema and against what the scenario expects.

    python jobs/validate_features.py --scenario short_video --features URI --output URI

Seals a ValidationReport of exactly these features, with Data Docs beside it; exits 65 if a rule is
broken.
"""

import pyarrow.parquet as pq

from secateur import command
from secateur.command import Job
from secateur.contracts.features import SPLITS, FeatureSchema
from secateur.spark import read_parquet, session
from secateur.validation import suites
from secateur.validation.examination import examine


def validate_features(job: Job) -> None:
    """Turn a FeatureSet into its ValidationReport."""
    features = job.open("features", "FeatureSet")
    validation = job.use(job.scenario.validation)
    schema = features.read("schema.json", FeatureSchema)
    vocabulary = pq.read_table(features.file("vocabulary.parquet"))
    spark = session()
    splits = {
        name: read_parquet(spark, sorted(features.folder.glob(f"{name}/part-*.parquet")))
        for name in SPLITS
    }
    rows = sum(frame.count() for frame in splits.values())
    checks = suites.features_checks(splits, schema, vocabulary, validation)
    found = examine(features, checks, rows)
    with job.create("ValidationReport") as draft:
        found.write(draft.folder)
        job.seal(draft, found.facts)
    found.demand_success(job.flag("output"))


if __name__ == "__main__":
    command.run(validate_features, __doc__, inputs=("features",))
