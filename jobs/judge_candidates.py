"""Decide whether one of tonight's packages is small and good enough to publish.

    python jobs/judge_candidates.py --scenario short_video --plan URI --scorecards URI --output URI

`--scorecards` is the folder whose sub-folders, named by recipe, hold the scorecards; a planned
recipe without a sealed one has crashed, or was refused, as `--candidates` tells: the folder of what
`prune_model` sealed. The verdict is sealed either way. Exit 65: no package passed on the tune days,
or the chosen one was not confirmed; what is served stays as it is.
With `--target NAME` the most accurate package within that target of the search is chosen. In
`--state`, the scenario's folder across nights, questions to the same held-out days are counted, and
last accepted nights remembered. With `--override FILE` two people accept what is refused.
"""

import logging

from secateur import command
from secateur.command import Job
from secateur.contracts import artifact_files, record
from secateur.contracts.candidates import DENSE, CandidatePlan
from secateur.contracts.errors import GateRefused
from secateur.judgement.gates import explain, judge
from secateur.judgement.holdout_ledger import ask, hold_to_budget, question_of
from secateur.judgement.night_references import find_references
from secateur.judgement.override import override_verdict, read_override
from secateur.judgement.scorecards import open_scorecards, read_refusals, read_scorecards

log = logging.getLogger("secateur.judge_candidates")


def judge_candidates(job: Job) -> None:
    """Read what was measured, judge it, seal the verdict."""
    plan = job.open("plan", "CandidatePlan").read(artifact_files.PLAN, CandidatePlan)
    recipes = [recipe.name for recipe in plan.recipes if recipe.name != DENSE]
    sealed = open_scorecards(job.flag("scorecards"), recipes)
    for name, artifact in sealed.items():
        job.note(f"scorecards/{name}", artifact.digest)
    cards = read_scorecards(sealed)
    rules, target = job.use(job.scenario.judgement), job.arguments.get("target")
    wanted = job.scenario.target(target) if target else None
    if wanted:
        job.note("target", record.digest(wanted.model_dump(mode="json")))
    refused = read_refusals(job.arguments.get("candidates"), recipes)
    if refused:
        job.note("refusals", record.digest(refused))
    references = find_references(job, cards)
    verdict = judge(recipes, cards, rules, wanted, refused, references)
    if job.arguments.get("state") and sealed:
        recipe, card = next(iter(cards.items()))
        days = card.days or sealed[recipe].manifest.made_from["features"]
        number = ask(job.flag("state"), days, question_of(cards, rules, target or ""))
        verdict = hold_to_budget(verdict, number, rules.holdout_uses)
    if job.arguments.get("override"):
        override = read_override(job.flag("override"))
        job.note("override", record.digest(override))
        verdict = override_verdict(verdict, override, cards, rules, references)
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
        options=("candidates", "target", "state", "dense", "override"),
    )
