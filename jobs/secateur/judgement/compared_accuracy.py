"""Everything a scorecard says of accuracy: two models on the same rows of every split."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from secateur.auc import Scores
from secateur.contracts.judgement import Accuracy, Difference
from secateur.judgement.accuracy import BinaryLabels, Users, measure
from secateur.judgement.client_scoring import HeldOutRows
from secateur.judgement.intervals import ROUNDS, paired_difference
from secateur.judgement.slices import slices

SLICE_ROUNDS = ROUNDS // 4  # slices are shown, not judged


@dataclass(frozen=True)
class ScoredSplit:
    """One split with the probabilities that both models give its rows; by name those of tasks."""

    split: str
    rows: HeldOutRows
    dense: Scores
    candidate: Scores
    dense_tasks: Mapping[str, Scores] = field(default_factory=dict)
    candidate_tasks: Mapping[str, Scores] = field(default_factory=dict)


@dataclass(frozen=True)
class Compared:
    """Both models' measures, keyed by split, "<split>/<slice>" and "<split>/task <name>"."""

    accuracy: dict[str, Accuracy] = field(default_factory=dict)
    dense_accuracy: dict[str, Accuracy] = field(default_factory=dict)
    delta_auc: dict[str, Difference] = field(default_factory=dict)


def compare_accuracy(scored: Sequence[ScoredSplit], seed: int) -> Compared:
    """Measure both models on every split, slice and task; `seed` is the bootstrap's."""
    found = Compared()
    for one in scored:
        for key, labels, users, dense, candidate in _parts(one):
            found.accuracy[key] = measure(labels, users, candidate)
            found.dense_accuracy[key] = measure(labels, users, dense)
            rounds = ROUNDS if key == one.split else SLICE_ROUNDS
            difference = paired_difference(labels, users, dense, candidate, seed, rounds)
            if difference is not None:
                found.delta_auc[key] = difference
    return found


def write_scores(path: Path, scored: Sequence[ScoredSplit]) -> None:
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


def _parts(one: ScoredSplit) -> Iterator[tuple[str, BinaryLabels, Users, Scores, Scores]]:
    """By key the labels and users of rows, and what both models say of them."""
    rows = one.rows
    yield one.split, rows.labels, rows.users, one.dense, one.candidate
    for name, mask in slices(rows):
        of_both = one.dense[mask], one.candidate[mask]
        yield f"{one.split}/{name}", rows.labels[mask], rows.users[mask], *of_both
    for name, labels in rows.tasks.items():
        told = ~np.isnan(labels)
        of_both = one.dense_tasks[name][told], one.candidate_tasks[name][told]
        if told.any():
            yield (
                f"{one.split}/task {name}",
                labels[told].astype(np.int8),
                rows.users[told],
                *of_both,
            )
