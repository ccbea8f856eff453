"""Membership inference: can an attacker tell by its score that a row was trained on?

Members are rows of learned days, others rows of the tune days of the same users. Two attacks are
tried, each a threshold on one number:

- loss (Yeom et al., CSF 2018): the probability of the row's own label. It is compared among rows
  that have nearly the same score, where it says whether the label agrees with the score more often
  than that promises, as it does of rows that were learned by heart. Compared among all rows it
  says how hard a day's rows are (Watson et al., ICLR 2022): on the demo its AUC fell to .42 for
  days whose counters had just begun to count.
- confidence (Salem et al., NDSS 2019): max(p, 1 - p), which needs no label; among rows of a user.

What days alone do to both is taken out by a placebo. Train days are older, and nothing was learned
of those that were held out of training, which lie between learned and tune days. So the same
attack is made on them. A trend that is linear over these days moves the AUC of learned days from .5
as many times as far as theirs as they lie further back; what is beyond that is the leak, which is
judged. To keep that short the members are the last learned days, as many as were held out. A
model that was never trained, or was on other rows, has a leak of 0 within its interval, which knows
users and items, and not what is special about one day.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from secateur.artifacts import Artifact
from secateur.auc import Scores
from secateur.contracts.features import ITEM_KEY
from secateur.contracts.judgement import Difference
from secateur.judgement.accuracy import BinaryLabels
from secateur.judgement.intervals.clusters import spread_of
from secateur.judgement.intervals.differences import difference_of
from secateur.judgement.metrics.definitions import DEFINITIONS, Measured
from secateur.judgement.metrics.scored_rows import JudgedRows, ScoredRows
from secateur.judgement.metrics.scratch import row_slices
from secateur.judgement.metrics.user_order import Codes, Grouping, UserOrder
from secateur.judgement.scoring.client_scoring import (
    ClientScorer,
    HeldOutRows,
    score_values,
)
from secateur.judgement.scoring.raw_values import StoredValues
from secateur.judgement.scoring.train_rows import TrainRows, read_train_rows

MOST_ROWS = 2**16  # of the train days, and of the tune days
SCORE_BINS = 50
MEMBERS, DAYS, LEAK = "members", "days", "leak"
TUNE, HELD_OUT, LEARNED = range(3)
Signal = Callable[[BinaryLabels, Scores], Scores]
Attacks = dict[str, dict[str, Difference]]


def likelihood(labels: BinaryLabels, scores: Scores) -> Scores:
    """The probability [n] that is given to a row's own label: exp(-loss)."""
    return np.where(labels == 1, scores, 1 - scores)


def confidence(_labels: BinaryLabels, scores: Scores) -> Scores:
    """How sure the model is of a row [n], whatever of."""
    return np.maximum(scores, 1 - scores)


ATTACKS: Mapping[str, Signal] = {"loss": likelihood, "confidence": confidence}


@dataclass(frozen=True)
class Suspects:
    """Rows [n] of the same users: of the tune days, of those held out of training, and learned.

    `kinds` are `TUNE`, `HELD_OUT` and `LEARNED`; `places` are those of the tune rows, which stand
    first, among their split's. `further` is how many times as far from the tune days the learned
    rows lie as those held out.
    """

    labels: BinaryLabels
    users: Codes
    items: Codes
    kinds: NDArray[np.int8]
    places: NDArray[np.int64]
    train: TrainRows
    further: float

    def __len__(self) -> int:
        return len(self.labels)

    def scores(self, scorer: ClientScorer, of_tune: Scores) -> Scores:
        """Scores [n] of one package, which gave the split of the tune days these."""
        return np.append(of_tune[self.places], score_values(scorer, self.train.values))


def find_suspects(
    features: Artifact, tune: HeldOutRows, holdout_days: int, seed: int
) -> Suspects | None:
    """Draw users, and rows of them; None where no user of the tune days has rows of both kinds.

    At most `MOST_ROWS` of either side: users are drawn until their tune rows are as many.
    """
    places = _places_of_some_users(tune.users, np.random.default_rng([seed, 10]))
    hashes = np.asarray(tune.hashes.take(places).to_pylist(), np.str_)
    facts = features.manifest.facts["days"]
    days = facts["train"][-2 * holdout_days :]
    train = read_train_rows(features, set(hashes.tolist()), days, MOST_ROWS, seed)
    if train is None:
        return None
    cut = len(days) - holdout_days
    held_out = np.isin(train.days, days[cut:])
    seen = np.isin(hashes, train.hashes[~held_out])
    if not seen.any() or not held_out.any():
        return None
    places, hashes = places[seen], hashes[seen]
    kinds = np.where(held_out, HELD_OUT, LEARNED)
    return Suspects(
        labels=np.append(tune.labels[places], train.labels),
        users=_codes(np.append(hashes, train.hashes)),
        items=_items(features, places, train),
        kinds=np.append(np.full(len(places), TUNE), kinds).astype(np.int8),
        places=places,
        train=train,
        further=_further(facts["tune"], days[cut:], days[:cut]),
    )


def _further(tune: Sequence[str], held_out: Sequence[str], learned: Sequence[str]) -> float:
    """How many times as far before the tune days the learned days lie as those held out.

    1 where hours split one day into both.
    """
    spans = (np.array(days, "datetime64[D]").astype(np.int64) for days in (tune, held_out, learned))
    last, middle, first = (float(span.mean()) for span in spans)
    return (last - first) / (last - middle) if last > middle else 1.0


def _items(features: Artifact, places: NDArray[np.int64], train: TrainRows) -> Codes:
    """Codes of the items [n] of tune rows at these places [k], then of the train rows."""
    files = sorted((features.folder / "tune").glob("*.parquet"))
    of_tune = StoredValues(files, {ITEM_KEY: ITEM_KEY}).take(places)[ITEM_KEY]
    return _codes(np.append(of_tune.to_numpy().astype(np.str_), train.items))


def _codes(values: NDArray[np.str_]) -> Codes:
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _places_of_some_users(users: Codes, rng: np.random.Generator) -> NDArray[np.int64]:
    """Rising places [n] of all rows of users in a random order, until they are `MOST_ROWS`."""
    groups = Grouping.of(users)
    order = rng.permutation(len(groups.rows))
    kept = np.zeros(len(groups.rows), np.bool_)
    kept[order[np.cumsum(groups.rows[order]) <= MOST_ROWS]] = True
    parts = row_slices(len(users))
    return np.concatenate([part.start + np.flatnonzero(kept[groups.codes[part]]) for part in parts])


def attack(suspects: Suspects, scores: Scores) -> Attacks:
    """By attack what scores [n] give away: AUC of `MEMBERS`, of the `DAYS` alone, and the `LEAK`.

    The first two are measured from 0; .5 tells nothing. An attack that finds no two rows to compare
    is left out.
    """
    order, found = UserOrder.of(suspects.users, suspects.items), {}
    alike = {"loss": _score_bins(scores), "confidence": suspects.users}
    for name, signal in ATTACKS.items():
        told = signal(suspects.labels, scores)
        members = _auc(suspects, told, LEARNED, alike[name])
        placebo = _auc(suspects, told, HELD_OUT, alike[name])
        if np.isnan([members.value, placebo.value]).any():
            continue
        further = suspects.further
        days = Measured(0.5 + further * (placebo.value - 0.5), further * placebo.influence)
        leak = Measured(members.value - days.value, members.influence - days.influence)
        parts = {MEMBERS: members, DAYS: days, LEAK: leak}
        found[name] = {
            part: difference_of(
                one.value, spread_of(order, one.influence), order.effective, resampled=np.empty(0)
            )
            for part, one in parts.items()
        }
    return found


def _score_bins(scores: Scores) -> Codes:
    """Each row's bin [n], of rows whose scores are nearly alike; every bin has as many."""
    edges = np.quantile(scores, np.arange(1, SCORE_BINS) / SCORE_BINS)
    return np.searchsorted(edges, scores).astype(np.int64)


def _auc(suspects: Suspects, told: Scores, kind: int, alike: Codes) -> Measured:
    """AUC among rows that are `alike` [n] of one kind against the tune days'; influence [n]."""
    asked = (suspects.kinds == kind) | (suspects.kinds == TUNE)
    is_member = (suspects.kinds[asked] == kind).astype(np.int8)
    of_users, of_items = suspects.users[asked], suspects.items[asked]
    rows = JudgedRows(is_member, of_users, of_items, alike[asked])
    within = DEFINITIONS["gauc"].of_rows(ScoredRows(rows, told[asked], told[asked]))
    influence = np.zeros(len(suspects))
    influence[asked] = within.influence
    return Measured(within.value, influence)
