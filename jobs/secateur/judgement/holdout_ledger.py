"""How often the same held-out days were asked, across nights: every look at them is paid for.

A candidate that is tried again with other margins, or another recipe, on days that have answered
already is another test of the same rows, and of many such tests one passes by luck. Each question
lies in the state folder as `holdouts/<digest of the features>/<digest of the question>.json`, with
its number; the same question asked again keeps the number that it had. Targets of one night ask at
the same time: a number is first taken, as `number_<n>.json` that names its question, and a store
gives it to one of them.
"""

import contextlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import replace

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, PreconditionFailed
from secateur.contracts.judgement import Scorecard, Verdict
from secateur.scenario import Judgement
from secateur.storage import open_store
from secateur.storage.store import Store

FOLDER = "holdouts"
NUMBER = "number_"


def ask(state: str, features: str, question: str) -> int:
    """Number this question among those that the features' held-out days were asked, from 1.

    Raises CorruptArtifact where what was asked before can no longer be read.
    """
    store, folder = open_store(state), f"{FOLDER}/{features}/"
    key = f"{folder}{question}.json"
    if not store.exists(key):
        number = _take_number(store, folder, question)
        with contextlib.suppress(PreconditionFailed):  # asked by another process since
            store.put_new(key, json.dumps({"number": number}).encode())
    return _number(store, key)


def _take_number(store: Store, folder: str, question: str) -> int:
    """The first number that no other question has, which is this one's from then on."""
    asked = [key for key in store.keys(folder) if not key.startswith(f"{folder}{NUMBER}")]
    known = max((_number(store, key) for key in asked), default=0)
    for number in itertools.count(max(known, len(asked)) + 1):
        key, said = f"{folder}{NUMBER}{number}.json", json.dumps({"question": question}).encode()
        try:
            store.put_new(key, said)
        except PreconditionFailed:
            if store.get(key).data != said:
                continue
        return number
    raise AssertionError("numbers do not end")


def _number(store: Store, key: str) -> int:
    try:
        number = json.loads(store.get(key).data)["number"]
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptArtifact(f"{key} of the state holds no question's number: {error}") from error
    if type(number) is not int or number < 1:
        raise CorruptArtifact(f"{key} of the state says {number!r}, which is no question's number")
    return number


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
        levels=None,
    )
