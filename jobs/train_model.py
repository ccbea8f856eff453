"""Train the dense model on a FeatureSet that earned its ValidationReport.

    python jobs/train_model.py --scenario short_video --features URI --validation URI --output URI

Seals a ModelBundle: shapes, weights, and what training saw of the held-out days. A training killed
at any moment goes on from what it kept at `--checkpoints`, with the same bits; they vanish with the
seal. Several processes train together under `torchrun --nproc-per-node=N jobs/train_model.py ...`.
With SECATEUR_TENSORBOARD, a folder, TensorBoard sees how it goes.
"""

from secateur import command
from secateur.artifacts import Artifact, demand_receipt
from secateur.command import Job
from secateur.contracts.data import ValidationReport
from secateur.contracts.errors import ValidationRefused
from secateur.contracts.features import FeatureSchema
from secateur.model.architectures import new_model
from secateur.model.board import followed
from secateur.model.bundle import save_bundle
from secateur.model.checkpoints import Checkpoints
from secateur.model.ranks import joined
from secateur.model.streaming import open_train
from secateur.model.training import train


def train_model(job: Job) -> None:
    """Turn a FeatureSet into the dense ModelBundle."""
    features = validated(job)
    training, seed = job.use(job.scenario.training), job.scenario.seed
    job.note("scenario.seed", str(seed))
    model = new_model(features.read("schema.json", FeatureSchema), training, seed)
    rows, holdout = open_train(features, training.holdout_days, training.memory_mb)
    total = training.max_epochs * len(rows)
    run = f"{job.scenario.name}-{job.key[:12]}"
    with (
        joined() as world,
        command.progress("training", total, "samples") as show,
        followed(show, run if world.leads else None) as advance,
    ):
        kept_at = job.arguments.get("checkpoints")
        kept = Checkpoints(kept_at, job.key, training.checkpoint_s, world) if kept_at else None
        curve = train(model, rows, holdout, training, seed, advance, kept, world)
        advance(0, curve.evaluations[-1])
        best = curve.evaluations[curve.best]
        if not world.leads:
            return
        with job.create("ModelBundle") as draft:
            save_bundle(draft, model)
            draft.write("curve.json", curve)
            job.seal(draft, {"recipe": "dense", "holdout_auc": best.holdout_auc, "seed": seed})
        if kept:
            kept.clear()


def validated(job: Job) -> Artifact:
    """The features, of which the report at --validation speaks well."""
    features = job.open("features", "FeatureSet")
    validation = job.open("validation", "ValidationReport")
    report = validation.read("report.json", ValidationReport)
    demand_receipt(report.subject, features)
    if not report.success:
        raise ValidationRefused(f"the features failed their validation, see {validation.uri}")
    return features


if __name__ == "__main__":
    command.run(train_model, __doc__, inputs=("features", "validation"), options=("checkpoints",))
