"""Choose the recipes to try tonight: the scenario's, and those that a search finds.

Reads the dense ModelBundle and the FeatureSet it was trained on, writes a CandidatePlan, and
answers with the recipes' names, one pruning task each. The scenario's recipes are checked against
the dense model. With a `[search]` section recipes are sought for its targets too, and all trials
are sealed beside the plan; with --checkpoints a killed search goes on where it stopped.
"""

from secateur import command
from secateur.artifacts import Artifact
from secateur.command import Job
from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import ScenarioError
from secateur.contracts.models import ModelSpec
from secateur.contracts.search import SearchRecord
from secateur.model.bundle import load_bundle
from secateur.pruning import candidate_plan
from secateur.pruning.apply_recipe import furnish
from secateur.pruning.search.search import search
from secateur.pruning.search.trials import Trials
from secateur.scenario.sections.search import Search


def plan_candidates(job: Job) -> None:
    """Write the plan and answer with its names."""
    dense, features = job.open("dense", "ModelBundle"), job.open("features", "FeatureSet")
    recipes, tried = job.scenario.recipes, None
    if job.scenario.search is not None:
        found, tried = look(job, dense, features, job.scenario.search)
        recipes = (*recipes, *found)
    if not recipes:
        raise ScenarioError("there are no candidates, and no search that would find any")
    plan = candidate_plan.plan(dense.digest, dense.read("model.json", ModelSpec), recipes)
    with job.create("CandidatePlan") as draft:
        draft.write("plan.json", plan)
        if tried is not None:
            draft.write("search.json", tried)
        job.seal(draft, {"recipes": [recipe.name for recipe in plan.recipes]})
    job.answer([recipe.name for recipe in plan.recipes])


def look(
    job: Job, dense: Artifact, features: Artifact, wanted: Search
) -> tuple[list[Recipe], SearchRecord]:
    """What a search finds, and all that it tried."""
    job.use(wanted)
    job.note("scenario.seed", str(job.scenario.seed))
    workshop = furnish(features, job.use(job.scenario.training), job.scenario.seed)
    kept_at = job.arguments.get("checkpoints")
    trials = Trials(load_bundle(dense), workshop, wanted.minutes, kept_at, job.key)
    return search(trials, wanted), trials.record()


if __name__ == "__main__":
    command.run(plan_candidates, __doc__, inputs=("dense", "features"), options=("checkpoints",))
