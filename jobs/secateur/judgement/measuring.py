"""Everything a scorecard says of accuracy: two models on the same rows of every split."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from secateur.contracts.judgement import Accuracy, Difference
from secateur.judgement.intervals import ROUNDS, paired_difference
from secateur.judgement.metrics import Scores, measure
from secateur.judgement.scoring import Rows
from secateur.judgement.slices import slices

SLICE_ROUNDS = ROUNDS // 4  # slices are shown, not judged


@dataclass(frozen=True)
class Scored:
    """One split with the probabilities that both models give its rows."""

    split: str
    rows: Rows
    dense: Scores
    candidate: Scores


@dataclass(frozen=True)
class Compared:
    """Both models' measures, keyed by split and by "<split>/<slice>"."""

    accuracy: dict[str, Accuracy] = field(default_factory=dict)
    dense_accuracy: dict[str, Accuracy] = field(default_factory=dict)
    delta_auc: dict[str, Difference] = field(default_factory=dict)


def compare(scored: Sequence[Scored], seed: int) -> Compared:
    """Measure both models on every split and slice; `seed` is the bootstrap's."""
    found = Compared()
    for one in scored:
        for key, mask in _parts(one):
            labels, users = one.rows.labels[mask], one.rows.users[mask]
            dense, candidate = one.dense[mask], one.candidate[mask]
            found.accuracy[key] = measure(labels, users, candidate)
            found.dense_accuracy[key] = measure(labels, users, dense)
            rounds = ROUNDS if key == one.split else SLICE_ROUNDS
            difference = paired_difference(labels, users, dense, candidate, seed, rounds)
            if difference is not None:
                found.delta_auc[key] = difference
    return found


def write_scores(path: Path, scored: Sequence[Scored]) -> None:
    """Write the evidence: split, user (keyed hash), label, and both probabilities."""
    table = pa.concat_tables(
        pa.table(
            {
                "split": pa.array([one.split] * len(one.rows)).dictionary_encode(),
                "user": one.rows.hashes,
                "label": one.rows.labels,
                "dense": one.dense,
                "candidate": one.candidate,
            }
        )
        for one in scored
    )
    pq.write_table(table, path, compression="zstd")


def _parts(one: Scored) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    yield one.split, np.ones(len(one.rows), bool)
    for name, mask in slices(one.rows):
        yield f"{one.split}/{name}", mask
