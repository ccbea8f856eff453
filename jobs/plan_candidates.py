"""Choose the recipes to try tonight: the scenario's, checked against the dense model.

Reads the dense ModelBundle and the FeatureSet it was trained on, writes a CandidatePlan, and
answers with the recipes' names, one pruning task each.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts.models import ModelSpec
from secateur.pruning import checks


def plan_candidates(job: Job) -> None:
    """Write the plan and answer with its names."""
    dense = job.open("dense", "ModelBundle")
    job.open("features", "FeatureSet")
    plan = checks.plan(dense.digest, dense.read("model.json", ModelSpec), job.scenario.recipes)
    with job.create("CandidatePlan") as draft:
        draft.write("plan.json", plan)
        job.seal(draft, {"recipes": [recipe.name for recipe in plan.recipes]})
    job.answer([recipe.name for recipe in plan.recipes])


if __name__ == "__main__":
    command.run(plan_candidates, __doc__, inputs=("dense", "features"))
