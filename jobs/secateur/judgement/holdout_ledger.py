"""How often the same held-out days were asked, across nights: every look at them is paid for.

A candidate that is tried again with other margins, or another recipe, on days that have answered
already is another test of the same rows, and of many such tests one passes by luck. Each question
lies in the state folder as `holdouts/<digest of the days>/<digest of the question>.json`, with
its number; the same question asked again keeps the number that it had. The days are known by their
rows' users and labels: another input, or a new version of ours, makes no new days of them. Targets
of one night ask at the same time: a number is first taken, as `number_<n>.json` that names its
question, and a store gives it to one of them.
"""

import contextlib
import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, PreconditionFailed
from secateur.contracts.judgement import Scorecard, Verdict
from secateur.judgement.metrics.scratch import row_slices
from secateur.judgement.scoring.client_scoring import HeldOutRows
from secateur.scenario import Judgement
from secateur.storage import open_store
from secateur.storage.store import Store

FOLDER = "holdouts"
NUMBER = "number_"


def digest_of_days(rows: Iterable[HeldOutRows]) -> str:
    """Names held-out rows by their users and labels, in their order, whatever is read of them."""
    found = hashlib.sha256()
    for split in rows:
        found.update(len(split).to_bytes(8, "little"))
        names = split.hashes.dictionary.to_pylist()
        marks = [hashlib.sha256(name.encode()).digest()[:8] for name in names]
        by_code = np.frombuffer(b"".join([*marks, bytes(8)]), "<u8")  # -1, a missing user, is last
        for part in row_slices(len(split)):
            found.update(split.labels[part].tobytes())
            found.update(by_code[split.users[part]].tobytes())
    return found.hexdigest()


def ask(state: str, days: str, question: str) -> int:
    """Number this question among those that held-out days, a digest, were asked, from 1.

    Raises CorruptArtifact where what was asked before can no longer be read.
    """
    store, folder = open_store(state), f"{FOLDER}/{days}/"
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
