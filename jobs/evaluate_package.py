"""Measure a package beside the dense one, through the client that will serve it.

    python jobs/evaluate_package.py --scenario short_video --package URI --dense-package URI
        --features URI --output URI

Both packages score the tune and confirm days from raw values in one process. Sealed are accuracy
on every split and slice, the difference in AUC with its standard error, bytes, resident memory
and latency, and the scores themselves. Nothing is judged here.
"""

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files
from secateur.judgement.compared_accuracy import write_scores
from secateur.judgement.evaluation import Pair, evaluate
from secateur.serving.scorer import load


def evaluate_package(job: Job) -> None:
    """Score, measure, seal."""
    pair = Pair(job.open("package", "Package"), job.open("dense-package", "Package"))
    features = job.open("features", "FeatureSet")
    job.note("scenario.seed", str(job.scenario.seed))
    with job.create("Scorecard") as draft:
        scorecard, scored = evaluate(pair, features, load, job.scenario.seed)
        draft.write(artifact_files.SCORECARD, scorecard)
        write_scores(draft.folder / artifact_files.SCORES, scored)
        job.seal(draft, {"recipe": scorecard.recipe})


if __name__ == "__main__":
    command.run(evaluate_package, __doc__, inputs=("package", "dense-package", "features"))
