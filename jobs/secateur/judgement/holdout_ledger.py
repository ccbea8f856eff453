"""How often the same held-out days were asked, across nights: every look at them is paid for.

A candidate that is tried again with other margins, or another recipe, on days that have answered
already is another test of the same rows, and of many such tests one passes by luck. Each question
lies in the state folder as `holdouts/<digest of the features>/<digest of the question>.json`, with
its number; the same question asked again keeps the number that it had.
"""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace

from secateur.contracts import record
from secateur.contracts.errors import PreconditionFailed
from secateur.contracts.judgement import Scorecard, Verdict
from secateur.scenario import Judgement
from secateur.storage import open_store

FOLDER = "holdouts"


def ask(state: str, features: str, question: str) -> int:
    """Number this question among those that the features' held-out days were asked, from 1."""
    store, folder = open_store(state), f"{FOLDER}/{features}/"
    key = f"{folder}{question}.json"
    if not store.exists(key):
        number = sum(1 for _ in store.keys(folder)) + 1
        with contextlib.suppress(PreconditionFailed):  # asked by another process since
            store.put_new(key, json.dumps({"number": number}).encode())
    return int(json.loads(store.get(key).data)["number"])


def question_of(cards: Mapping[str, Scorecard], rules: Judgement, target: str) -> str:
    """What is asked of held-out days: of which packages, by which rules, for which target."""
    packages = {name: card.package for name, card in cards.items()}
    return record.digest([packages, rules.model_dump(mode="json"), target])


def hold_to_budget(verdict: Verdict, number: int, uses: int) -> Verdict:
    """The verdict, unless its days were asked too often: then what they said is not told."""
    if number <= uses:
        return verdict
    return replace(
        verdict,
        accepted=False,
        reason=(
            f"these held-out days were asked {number - 1} other questions, of {uses} in all that "
            f"judgement.holdout_uses allows: one more would pass by luck. Judge on new days"
        ),
        chosen=None,
        package=None,
        confirmed=None,
        tests=(),
    )
