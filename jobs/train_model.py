"""Train the dense model on a FeatureSet that earned its ValidationReport.

    python jobs/train_model.py --scenario short_video --features URI --validation URI --output URI

Seals a ModelBundle: shapes, weights, the curve of its holdout evaluations, and its AUC on the tune
days beside that of baselines. Where the scenario says training.start = "warm", it goes on from the
newest master in `--state`, and leaves one. A training killed at any moment goes on from its
checkpoint at `--checkpoints`, with the same bits. Several processes train together under `torchrun
--nproc-per-node=N jobs/train_model.py ...`. With SECATEUR_TENSORBOARD TensorBoard follows.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts.artifact_files import BASELINES, CURVE, SCHEMA
from secateur.contracts.features import FeatureSchema
from secateur.model import warm_start
from secateur.model.architectures.registry import new_model
from secateur.model.baselines.measure import BaselineInputs, measure_baselines
from secateur.model.bundle import save_bundle
from secateur.model.data.streaming import open_stream
from secateur.model.distributed import process_group
from secateur.model.training.checkpoints import Checkpoints
from secateur.model.training.tensorboard import report_progress
from secateur.model.training.train import train
from secateur.model.training.training_context import TrainingContext, best_device


def train_model(job: Job) -> None:
    """Turn a FeatureSet into the dense ModelBundle."""
    features = job.open_validated("features", "FeatureSet")
    settings, seed = job.use(job.scenario.training), job.scenario.seed
    job.note("scenario.seed", str(seed))
    model = new_model(features.read(SCHEMA, FeatureSchema), settings, seed)
    stream = open_stream(features, "train", settings.memory_mb)
    rows, holdout = stream.split_holdout(settings.holdout_days)
    start = warm_start.Start(rows)
    if settings.start == "warm":
        start = warm_start.warm_start(job.arguments.get("state"), model, features, rows)
        job.note("master", start.master.digest if start.master else "none")
    total, run = settings.max_epochs * len(start.rows), f"{job.scenario.name}-{job.key[:12]}"
    with (
        process_group() as world,
        command.progress("training", total, "samples") as show,
        report_progress(show, run if world.is_main else None) as advance,
    ):
        uri = job.arguments.get("checkpoints")
        kept = Checkpoints(uri, job.key, settings.checkpoint_s, world) if uri else None
        context = TrainingContext(settings, seed, best_device(), advance, world, kept, start.state)
        result = train(model, start.rows.read_if_small(), holdout.read(), context)
        advance(0, result.curve.evaluations[-1])
        if not world.is_main:
            return
        with job.create("ModelBundle") as draft:
            save_bundle(draft, model)
            draft.write(CURVE, result.curve)
            inputs = BaselineInputs.of(features, job.scenario.logs.item, job.scenario.label)
            job.note("baselines", inputs.digest)
            draft.write(BASELINES, measure_baselines(inputs, model, (rows, holdout), context))
            if result.state:
                warm_start.write_master(draft, result.state, model, features, rows.days[-1])
            facts = {"holdout_auc": result.curve.best_evaluation.holdout_auc, "start": start.kind}
            job.seal(draft, {"recipe": "dense", **facts, "seed": seed})
        if kept:
            kept.clear()


if __name__ == "__main__":
    command.run(
        train_model, __doc__, inputs=("features", "validation"), options=("state", "checkpoints")
    )
