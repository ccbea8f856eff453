"""Make the dense model smaller by one recipe of the plan, and package it for serving.

    python jobs/prune_model.py --scenario short_video --dense URI --features URI --plan URI
        --recipe NAME [--state URI] --output URI

Writes two artifacts below --output: `bundle`, the compact ModelBundle, and `package`, what
services load, or `refusal` where the client scores held-out rows otherwise than the model: exit 65.
The recipe "dense" changes nothing: its package is what the others are judged by. With `[repruning]`
the cuts follow those of the last accepted night in `--state`; the bundle holds this night's.
"""

from secateur import command
from secateur.artifacts import demand_receipt
from secateur.command import Job
from secateur.contracts import artifact_files, record
from secateur.contracts.candidates import CandidatePlan
from secateur.contracts.models import ModelSpec, TrainingCurve
from secateur.model.bundle import load_bundle, save_bundle, weight_counts
from secateur.model.training.training_context import best_device
from secateur.packaging.assembly import write_package
from secateur.packaging.source import package_source
from secateur.pruning.nightly.previous_cuts import follow_previous_cuts
from secateur.pruning.recipes import candidate_plan
from secateur.pruning.recipes.apply_recipe import apply_recipe
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.recipes.recalibration import recalibrate


def prune_model(job: Job) -> None:
    """Apply the recipe named by --recipe."""
    dense, features = job.open("dense", "ModelBundle"), job.open("features", "FeatureSet")
    plan = job.open("plan", "CandidatePlan").read(artifact_files.PLAN, CandidatePlan)
    demand_receipt(plan.subject, dense)
    recipe = candidate_plan.recipe_named(plan, job.flag("recipe"))
    job.note("recipe", record.digest(recipe))
    job.note("scenario.seed", str(job.scenario.seed))
    training, seed = job.use(job.scenario.training), job.scenario.seed
    context = PruningContext.load(features, training, seed, best_device())
    spec, cuts = dense.read(artifact_files.MODEL, ModelSpec), None
    last = str(context.calibration.holdout.days[-1])
    if job.scenario.repruning and recipe.steps:
        settings, state = job.use(job.scenario.repruning), job.arguments.get("state")
        cuts = follow_previous_cuts(settings, state, recipe, (dense, features), last)
        job.note("prunings", cuts.digest)
    pruned = apply_recipe(recipe, load_bundle(dense), context, cuts.hysteresis if cuts else None)
    model = pruned.model
    rows = pruned.adapt_inputs(context.calibration.holdout.inputs, spec)
    facts = {"recipe": recipe.name, "dense": dense.digest, **weight_counts(model)}
    if training.recalibrate:
        facts["bias_moved"] = recalibrate(model, rows, context.calibration.holdout.labels)
    of_dense = dense.read(artifact_files.CURVE, TrainingCurve)
    source = package_source(features, of_dense.privacy + pruned.curve.privacy)
    source = source.cut(pruned.kept_ids(spec), pruned.adapt_inputs(source.held_out.inputs, spec))
    with job.create("ModelBundle", "bundle") as draft:
        save_bundle(draft, model)
        draft.write(artifact_files.CURVE, pruned.curve)
        draft.write(artifact_files.PRUNING_PLANS, pruned.plans)
        if cuts:
            cuts.write(draft, source.vocabulary)
        job.seal(draft, facts)
    with job.seal_refusal(facts), job.create("Package", "package") as draft:
        write_package(draft, model, recipe, source, rows, job.scenario.title)
        job.seal(draft, facts)
    job.answer(job.output_uri("package"))


if __name__ == "__main__":
    command.run(
        prune_model, __doc__, inputs=("dense", "features", "plan", "recipe"), options=("state",)
    )
