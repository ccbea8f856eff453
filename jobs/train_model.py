"""Train the dense model on a FeatureSet that earned its ValidationReport.

    python jobs/train_model.py --scenario short_video --features URI --validation URI --output URI

Seals a ModelBundle: shapes, weights, and what training saw of the held-out days. Where the scenario
says training.start = "warm", it goes on from the newest master in `--state`, and leaves one. A
training killed at any moment goes on from what it kept at `--checkpoints`, with the same bits; they
vanish with the seal. Several processes train together under
`torchrun --nproc-per-node=N jobs/train_model.py ...`. With SECATEUR_TENSORBOARD, a folder,
TensorBoard sees how it goes.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts.features import FeatureSchema
from secateur.model import warm_start
from secateur.model.architectures.registry import new_model
from secateur.model.bundle import save_bundle
from secateur.model.data.streaming import open_stream
from secateur.model.distributed import joined
from secateur.model.training.checkpoints import Checkpoints
from secateur.model.training.tensorboard import followed
from secateur.model.training.train import train_on


def train_model(job: Job) -> None:
    """Turn a FeatureSet into the dense ModelBundle."""
    features = job.validated("features", "FeatureSet")
    training, seed = job.use(job.scenario.training), job.scenario.seed
    job.note("scenario.seed", str(seed))
    model = new_model(features.read("schema.json", FeatureSchema), training, seed)
    train, held = open_stream(features, "train", training.memory_mb).part(training.holdout_days)
    start = warm_start.Start(train)
    if training.start == "warm":
        start = warm_start.warm_start(job.arguments.get("state"), model, features, train)
        job.note("master", start.master.digest if start.master else "none")
    total = training.max_epochs * len(start.rows)
    run = f"{job.scenario.name}-{job.key[:12]}"
    with (
        joined() as world,
        command.progress("training", total, "samples") as show,
        followed(show, run if world.leads else None) as advance,
    ):
        kept_at = job.arguments.get("checkpoints")
        kept = Checkpoints(kept_at, job.key, training.checkpoint_s, world) if kept_at else None
        rows = start.rows.loaded(), held.read()
        curve, left = train_on(model, start.memory, rows, training, seed, advance, kept, world)
        advance(0, curve.evaluations[-1])
        best = curve.evaluations[curve.best]
        if not world.leads:
            return
        with job.create("ModelBundle") as draft:
            save_bundle(draft, model)
            draft.write("curve.json", curve)
            if left:
                warm_start.keep(draft, left, model, features, train.days[-1])
            facts = {"holdout_auc": best.holdout_auc, "start": start.word, "seed": seed}
            job.seal(draft, {"recipe": "dense", **facts})
        if kept:
            kept.clear()


if __name__ == "__main__":
    command.run(
        train_model, __doc__, inputs=("features", "validation"), options=("state", "checkpoints")
    )
