"""Choose the recipes to try tonight: the scenario's, and those that a search finds.

    python jobs/plan_candidates.py --scenario short_video --dense URI --features URI
        [--checkpoints URI] --output URI

Reads the dense ModelBundle and the FeatureSet it was trained on, writes a CandidatePlan, and
answers with the recipes' names, one pruning task each. The scenario's recipes are checked against
the dense model. With a `[search]` section a search finds recipes for its targets too, and all its
trials are sealed beside the plan; with --checkpoints a killed search goes on where it stopped.
"""

from secateur import command
from secateur.artifacts import Artifact
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.contracts.candidates import Recipe
from secateur.contracts.errors import ScenarioError
from secateur.contracts.models import ModelSpec
from secateur.contracts.search import SearchRecord
from secateur.model.bundle import load_bundle
from secateur.model.training.training_context import best_device
from secateur.pruning.recipes import candidate_plan
from secateur.pruning.recipes.pruning_context import PruningContext
from secateur.pruning.search.search import search
from secateur.pruning.search.trials import StoredOutcomes, Trials
from secateur.scenario.sections.search import Search


def plan_candidates(job: Job) -> None:
    """Write the plan and answer with its names."""
    dense, features = job.open("dense", "ModelBundle"), job.open("features", "FeatureSet")
    recipes, tried = job.scenario.recipes, None
    if job.scenario.search is not None:
        found, tried = search_recipes(job, dense, features, job.scenario.search)
        recipes = (*recipes, *found)
    if not recipes:
        raise ScenarioError("there are no candidates, and no search that would find any")
    plan = candidate_plan.make_plan(
        dense.digest, dense.read(artifact_files.MODEL, ModelSpec), recipes
    )
    with job.create("CandidatePlan") as draft:
        draft.write(artifact_files.PLAN, plan)
        if tried is not None:
            draft.write(artifact_files.SEARCH, tried)
        job.seal(draft, {"recipes": [recipe.name for recipe in plan.recipes]})
    job.answer([recipe.name for recipe in plan.recipes])


def search_recipes(
    job: Job, dense: Artifact, features: Artifact, settings: Search
) -> tuple[list[Recipe], SearchRecord]:
    """The recipes that a search finds, and all that it tried."""
    job.use(settings)
    seed, folder = job.scenario.seed, job.arguments.get("checkpoints")
    job.note("scenario.seed", str(seed))
    training = job.use(job.scenario.training)
    context = PruningContext.load(features, training, seed, best_device())
    stored = StoredOutcomes(folder, job.key) if folder else None
    trials = Trials(load_bundle(dense), context, settings.minutes, stored)
    return search(trials, settings), trials.record()


if __name__ == "__main__":
    command.run(plan_candidates, __doc__, inputs=("dense", "features"), options=("checkpoints",))
