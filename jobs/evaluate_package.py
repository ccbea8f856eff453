"""Measure a package beside the dense one, through the client that will serve it.

    python jobs/evaluate_package.py --scenario short_video --package URI --dense-package URI
        --features URI [--store URI] --output URI

Both packages score the tune and confirm days from raw values in one process. Sealed are accuracy
on every split and slice, the difference in AUC with its standard error, what an attacker learns of
who was trained on, bytes, resident memory and latency, and the scores. Nothing is judged here.
The releases that the scenario's channels serve in `--store` score the same rows, by their own
packages: to read them, SECATEUR_VERIFY_KEY or SECATEUR_SIGNING_KEY is needed.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.judgement.compared_accuracy import write_scores
from secateur.judgement.evaluation import Pair, evaluate
from secateur.judgement.served_release import ServedRelease, compare_with_served
from secateur.releases.pulling import pull_served
from secateur.serving.scorer import load
from secateur.storage import join


def evaluate_package(job: Job) -> None:
    """Score, measure, seal."""
    pair = Pair(job.open("package", "Package"), job.open("dense-package", "Package"))
    features = job.open("features", "FeatureSet")
    job.note("scenario.seed", str(job.scenario.seed))
    held = job.scenario.training.holdout_days
    job.note("training.holdout_days", str(held))
    with job.create("Scorecard") as draft, tempfile.TemporaryDirectory() as cache:
        served = find_served(job, Path(cache))
        scorecard, scored = evaluate(pair, features, load, job.scenario.seed, held)
        beside = compare_with_served(served, scored, load, job.scenario.seed)
        scorecard = replace(scorecard, served=beside)
        draft.write(artifact_files.SCORECARD, scorecard)
        write_scores(draft.folder / artifact_files.SCORES, scored)
        job.seal(draft, {"recipe": scorecard.recipe})


def find_served(job: Job, cache: Path) -> dict[str, ServedRelease | None]:
    """By channel of the scenario and of its targets what is served, copied below `cache`."""
    if not job.arguments.get("store"):
        return {}
    uri = join(job.flag("store"), job.scenario.name)
    found: dict[str, ServedRelease | None] = {}
    for channel, pulled in pull_served(uri, job.scenario.channels, cache).items():
        manifest = pulled.manifest if pulled else None
        job.note(f"served/{channel}", manifest.package if manifest else "")
        found[channel] = None
        if pulled and manifest:
            found[channel] = ServedRelease(manifest.number, manifest.package, pulled.folder)
    return found


if __name__ == "__main__":
    command.run(
        evaluate_package,
        __doc__,
        inputs=("package", "dense-package", "features"),
        options=("store",),
    )
