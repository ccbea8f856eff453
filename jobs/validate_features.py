"""Hold a FeatureSet against its schema and against what the scenario expects.

    python jobs/validate_features.py --scenario short_video --features URI --output URI

Seals a ValidationReport of exactly these features, with Data Docs beside it; exits 65 if a rule is
broken.
"""

import pyarrow.parquet as pq

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.features import FeatureSchema
from secateur.spark import session
from secateur.validation import sealed_frames
from secateur.validation.examination import examine
from secateur.validation.single_feature_auc import single_feature_suite
from secateur.validation.suites.feature_suites import feature_suites
from secateur.validation.suites.split_suites import malformed_suites, part_suites


def validate_features(job: Job) -> None:
    """Turn a FeatureSet into its ValidationReport."""
    features = job.open("features", "FeatureSet")
    validation, cleaning = job.use(job.scenario.validation), job.use(job.scenario.cleaning)
    schema = features.read(artifact_files.SCHEMA, FeatureSchema)
    vocabulary = pq.read_table(features.file(artifact_files.VOCABULARY))
    splits = sealed_frames.splits(session(), features.folder)
    days = features.manifest.facts["days"]
    suites = feature_suites(splits, days, schema, vocabulary, validation, cleaning)
    holdout = job.scenario.training.holdout_days
    job.note("holdout_days", str(holdout))
    suites += part_suites(splits, days["train"][-holdout:], validation)
    suites += malformed_suites(features.manifest.facts, validation)
    train = sorted(features.folder.glob("train/part-*.parquet"))
    most = validation.max_single_feature_auc
    suites.append(single_feature_suite(train, schema, vocabulary, most))
    rows = sealed_frames.rows(features.folder)
    found = examine(features, suites, rows, validation.min_rules)
    with job.create("ValidationReport") as draft:
        found.write(draft.folder)
        job.seal(draft, found.facts)
    found.demand_success(job.flag("output"))


if __name__ == "__main__":
    command.run(validate_features, __doc__, inputs=("features",))
