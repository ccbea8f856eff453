"""Make the dense model smaller by one recipe of the plan, and package it for serving.

Writes two artifacts below --output: `bundle`, the compact ModelBundle, and `package`, what
services load. The recipe "dense" changes nothing: its package is what the others are judged by.
"""

from secateur import command
from secateur.artifacts import demand_receipt
from secateur.command import Job
from secateur.contracts import record
from secateur.contracts.candidates import CandidatePlan
from secateur.model.batches import load_split, split_holdout
from secateur.model.bundle import load_bundle, save_bundle
from secateur.packaging.assembly import write_package
from secateur.packaging.source import read_source
from secateur.pruning import plans
from secateur.pruning.evidence import Evidence, read_counts
from secateur.pruning.recipes import Workshop, carry_out


def prune_model(job: Job) -> None:
    """Carry out the recipe named by --recipe."""
    dense, features = job.open("dense", "ModelBundle"), job.open("features", "FeatureSet")
    plan = job.open("plan", "CandidatePlan").read("plan.json", CandidatePlan)
    demand_receipt(plan.subject, dense)
    recipe = plans.find(plan, job.flag("recipe"))
    job.note("recipe", record.digest(recipe))
    training = job.use(job.scenario.training)
    train, holdout = split_holdout(load_split(features, "train"), training.holdout_days)
    evidence = Evidence(read_counts(features), holdout)
    workshop = Workshop(train, evidence, training, job.scenario.seed)
    model, curve = carry_out(recipe, load_bundle(dense), workshop)
    facts = {"recipe": recipe.name, "dense": dense.digest}
    with job.create("ModelBundle", "bundle") as draft:
        save_bundle(draft, model)
        draft.write("curve.json", curve)
        job.seal(draft, facts)
    with job.create("Package", "package") as draft:
        source = read_source(features)
        write_package(draft, model, recipe, source, holdout.ids.numpy(), job.scenario.title)
        job.seal(draft, facts)
    job.answer(job.place("package"))


if __name__ == "__main__":
    command.run(prune_model, __doc__, inputs=("dense", "features", "plan", "recipe"))
