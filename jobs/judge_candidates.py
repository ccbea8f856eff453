"""Decide whether one of tonight's packages is small and good enough to publish.

    python jobs/judge_candidates.py --scenario short_video --plan URI --scorecards URI --output URI

`--scorecards` is the folder whose sub-folders, named by recipe, hold the scorecards; a planned
recipe without a sealed one has crashed, or was refused, as `--candidates` tells: the folder of what
`prune_model` sealed. The verdict is sealed either way. Exit 65: no package passed on the tune days,
or the chosen one was not confirmed; what is served stays as it is.
With `--target NAME` the night is judged for one target of the scenario's search: packages within
its limits alone may pass, and the most accurate of them is chosen. `--state` is the scenario's
folder across nights: there every question to the same held-out days is counted, and there lies what
the last accepted night was worth. `--dense` is the dense bundle, with the baselines to beat.
"""

import logging

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files, record
from secateur.contracts.candidates import DENSE, CandidatePlan
from secateur.contracts.errors import GateRefused
from secateur.contracts.judgement import Scorecard
from secateur.judgement.gates import explain, judge
from secateur.judgement.holdout_ledger import ask, hold_to_budget, question_of
from secateur.judgement.night_references import find_levels, read_references
from secateur.judgement.scorecards import open_scorecards, read_refusals

log = logging.getLogger("secateur.judge_candidates")


def judge_candidates(job: Job) -> None:
    """Read what was measured, judge it, seal the verdict."""
    plan = job.open("plan", "CandidatePlan").read(artifact_files.PLAN, CandidatePlan)
    recipes = [recipe.name for recipe in plan.recipes if recipe.name != DENSE]
    sealed = open_scorecards(job.flag("scorecards"), recipes)
    for name, artifact in sealed.items():
        job.note(f"scorecards/{name}", artifact.digest)
    cards = {name: card.read(artifact_files.SCORECARD, Scorecard) for name, card in sealed.items()}
    rules, target = job.use(job.scenario.judgement), job.arguments.get("target")
    wanted = job.scenario.target(target) if target else None
    if wanted:
        job.note("target", record.digest(wanted.model_dump(mode="json")))
    refused = read_refusals(job.arguments.get("candidates"), recipes)
    if refused:
        job.note("refusals", record.digest(refused))
    dense = job.open("dense", "ModelBundle") if job.arguments.get("dense") else None
    last = find_levels(job.arguments.get("state"), cards.values())
    if last:
        job.note("levels", last.digest)
    references = read_references(job.scenario.channel_of(target), dense, last)
    verdict = judge(recipes, cards, rules, wanted, refused, references)
    if job.arguments.get("state") and sealed:
        features = next(iter(sealed.values())).manifest.made_from["features"]
        number = ask(job.flag("state"), features, question_of(cards, rules, target or ""))
        verdict = hold_to_budget(verdict, number, rules.holdout_uses)
    with job.create("Verdict") as draft:
        draft.write(artifact_files.VERDICT, verdict)
        job.seal(draft, {"accepted": verdict.accepted, "chosen": verdict.chosen})
    if not verdict.accepted:
        raise GateRefused(f"{explain(verdict)}\n  evidence: {job.flag('output')}")
    log.info("%s", explain(verdict))


if __name__ == "__main__":
    command.run(
        judge_candidates,
        __doc__,
        inputs=("plan", "scorecards"),
        options=("candidates", "target", "state", "dense"),
    )
