"""The night's verbs one after another, without Airflow."""

from collections.abc import Iterator
from pathlib import Path

from bench.processes import Cost, VerbRunner
from secateur.contracts import record
from secateur.contracts.candidates import DENSE, CandidatePlan


def run_night(scenario: str, run: Path) -> Iterator[Cost]:
    """Run the verbs in the DAG's order, up to the verdict, which may be a refusal."""
    yield from run_to_packages(scenario, run)
    verbs = VerbRunner(scenario, run)
    for name in candidate_names(run):
        inputs = {
            "package": f"candidates/{name}/package",
            "dense-package": f"candidates/{DENSE}/package",
            "features": "features",
        }
        yield verbs.run("evaluate_package", inputs, f"scorecards/{name}")
    judged = {"plan": "plan", "scorecards": "scorecards", "dense": "dense"}
    yield verbs.run("judge_candidates", judged, "verdict", accepted=(0, 65))


def run_to_packages(scenario: str, run: Path) -> Iterator[Cost]:
    """Run the verbs whose work is determined by their inputs: from the log to every package."""
    verbs = VerbRunner(scenario, run)
    validated = {"features": "features", "validation": "features_report"}
    chain: list[tuple[str, dict[str, str], str]] = [
        ("clean_events", {}, "events"),
        ("validate_events", {"events": "events"}, "events_report"),
        ("build_features", {"events": "events", "validation": "events_report"}, "features"),
        ("validate_features", {"features": "features"}, "features_report"),
        ("train_model", validated, "dense"),
        ("plan_candidates", {"dense": "dense", "features": "features"}, "plan"),
    ]
    for verb, inputs, output in chain:
        yield verbs.run(verb, inputs, output)
    inputs = {"dense": "dense", "features": "features", "plan": "plan"}
    for name in [DENSE, *candidate_names(run)]:
        yield verbs.run("prune_model", inputs, f"candidates/{name}", f"--recipe={name}")


def candidate_names(run: Path) -> list[str]:
    """Names of the candidates that the run's plan lists."""
    recipes = record.from_json(CandidatePlan, (run / "plan" / "plan.json").read_bytes()).recipes
    return [recipe.name for recipe in recipes]
