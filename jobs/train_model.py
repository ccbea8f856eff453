"""Train the dense model on a FeatureSet that earned its ValidationReport.

    python jobs/train_model.py --scenario short_video --features URI --validation URI --output URI

Seals a ModelBundle: shapes, weights, and what training saw of the held-out days.
"""

from secateur import command
from secateur.artifacts import demand_receipt
from secateur.command import Job
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import ValidationRefused
from secateur.contracts.features import FeatureSchema
from secateur.model.batches import load_split, split_holdout
from secateur.model.bundle import save_bundle
from secateur.model.deepfm import new_deepfm
from secateur.model.training import train


def train_model(job: Job) -> None:
    """Turn a FeatureSet into the dense ModelBundle."""
    features = job.open("features", "FeatureSet")
    validation = job.open("validation", "ValidationReport")
    report = validation.read("report.json", ValidationReport)
    demand_receipt(report.subject, features)
    if not report.success:
        raise ValidationRefused(f"the features failed their validation, see {validation.uri}")
    training, seed = job.use(job.scenario.training), job.scenario.seed
    model = new_deepfm(features.read("schema.json", FeatureSchema), training, seed)
    rows, holdout = split_holdout(load_split(features, "train"), training.holdout_days)
    with command.progress("training", training.max_epochs * len(rows), "samples") as advance:
        curve = train(model, rows, holdout, training, seed, advance)
    best = curve.evaluations[curve.best]
    with job.create("ModelBundle") as draft:
        save_bundle(draft, model)
        draft.write("curve.json", curve)
        job.seal(draft, {"recipe": "dense", "holdout_auc": best.holdout_auc, "seed": seed})


if __name__ == "__main__":
    command.run(train_model, __doc__, inputs=("features", "validation"))
