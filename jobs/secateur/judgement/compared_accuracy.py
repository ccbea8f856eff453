"""Everything a scorecard says of accuracy: two models on the same rows of every split."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from secateur.auc import Scores
from secateur.contracts.judgement import COPY, METRICS, SHUFFLED, TASK, Accuracy, Difference
from secateur.judgement.accuracy import PointSums
from secateur.judgement.intervals.differences import differences, levels
from secateur.judgement.intervals.resampling import ROUNDS
from secateur.judgement.metrics.definitions import DEFINITIONS, summed_columns
from secateur.judgement.metrics.models import Model
from secateur.judgement.metrics.scored_rows import JudgedRows, rows_inside
from secateur.judgement.metrics.scratch import row_slices, scratch
from secateur.judgement.metrics.totals import Totals
from secateur.judgement.scoring.client_scoring import HeldOutRows
from secateur.judgement.slices import slices

SLICE_ROUNDS = ROUNDS // 4
AUC = METRICS[:1]  # the metric of slices
WRITTEN_AT_ONCE = 2**20  # rows
EVIDENCE = pa.schema(
    {
        "split": pa.string(),
        "user": pa.string(),
        "label": pa.int8(),
        "dense": pa.float32(),
        "candidate": pa.float32(),
    }
)
ByMetric = dict[str, dict[str, Difference]]


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
    """Both models' measures, keyed by split, "<split>/<slice>" and "<split>/task <name>".

    `differences`, `dense_levels` and each of the `controls` are keyed by metric first. The last two
    are of whole splits, and slices and tasks have differences in AUC alone.
    """

    accuracy: dict[str, Accuracy] = field(default_factory=dict)
    dense_accuracy: dict[str, Accuracy] = field(default_factory=dict)
    differences: ByMetric = field(default_factory=dict)
    dense_levels: ByMetric = field(default_factory=dict)
    controls: dict[str, ByMetric] = field(default_factory=dict)


def compare_accuracy(scored: Sequence[ScoredSplit], seed: int) -> Compared:
    """Measure both models on every split, slice and task; `seed` is the bootstrap's."""
    found = Compared()
    for one in scored:
        for key, rows, dense, candidate in _parts(one):
            found.accuracy[key] = measure_rows(rows, candidate)
            found.dense_accuracy[key] = measure_rows(rows, dense)
            if key == one.split:
                _compare_split(key, rows, (dense, candidate), seed, found)
            else:
                (of_slice,) = differences(rows, dense, [candidate], seed, SLICE_ROUNDS, AUC)
                _keep(found.differences, key, of_slice)
    return found


def _compare_split(
    split: str, rows: JudgedRows, scores: tuple[Scores, Scores], seed: int, found: Compared
) -> None:
    """All metrics of the candidate and, under the same weights, of the controls."""
    dense, candidate = scores
    controls = {COPY: dense, SHUFFLED: shuffle_half_of_items(rows, dense, seed)}
    of_candidate, *of_controls = differences(rows, dense, [candidate, *controls.values()], seed)
    _keep(found.differences, split, of_candidate)
    _keep(found.dense_levels, split, levels(rows, dense, seed))
    for name, of_control in zip(controls, of_controls, strict=True):
        _keep(found.controls.setdefault(name, {}), split, of_control)


def _keep(by_metric: ByMetric, key: str, found: Mapping[str, Difference]) -> None:
    for metric, difference in found.items():
        by_metric.setdefault(metric, {})[key] = difference


def shuffle_half_of_items(rows: JudgedRows, scores: Scores, seed: int) -> Scores:
    """The scores [n] of a bad prune: those of half of the items' rows are dealt out anew.

    They are dealt among the rows of one part, so that all the others may stay in their file.
    """
    rng, order = np.random.default_rng(seed), rows.order
    items = len(order.items.rows)
    is_hit, of_item = rng.permutation(items) < (items + 1) // 2, scratch(len(scores), np.int32)
    for part in row_slices(len(scores)):
        of_item[order.places[part]] = order.items.codes[part]
    spoilt = scratch(len(scores), scores.dtype)
    for part in row_slices(len(scores)):
        hit = np.flatnonzero(is_hit[of_item[part]])
        dealt = scores[part].copy()
        dealt[hit] = dealt[rng.permutation(hit)]
        spoilt[part] = dealt
    return spoilt


def measure_rows(rows: JudgedRows, scores: Scores) -> Accuracy:
    """Every point measure of one model's scores [n]."""
    (model,), sums = Model.all_of(rows, scores), PointSums()
    totals = Totals(summed_columns(["gauc"]), model.bins)
    for block in rows.order.blocks:
        at_hand = model.block(rows.by_user.part(block), block)
        sums.add(at_hand.rows.labels, at_hand.rows.users, at_hand.scores)
        totals.add(at_hand)
    area, day_gauc = model.place().area, DEFINITIONS["gauc"].value(totals)
    return replace(
        sums.accuracy(None if math.isnan(area) else area),
        distinct_scores=model.bins.distinct,
        day_gauc=None if math.isnan(day_gauc) else day_gauc,
        day_share=totals.sums["ranked_rows"] / totals.rows,
        calibration_error=DEFINITIONS["calibration_error"].value(totals),
    )


def judged_rows(rows: HeldOutRows) -> JudgedRows:
    """What the metrics need to know of a split's rows."""
    moments, days = scratch(len(rows), np.int64), int(rows.days.max(initial=0)) + 1
    for part in row_slices(len(rows)):
        moments[part] = rows.users[part].astype(np.int64) * days + rows.days[part]
    return JudgedRows(rows.labels, rows.users, rows.items, moments)


def write_scores(path: Path, scored: Sequence[ScoredSplit]) -> None:
    """Write the evidence: split, user (keyed hash), label, and both probabilities."""
    with pq.ParquetWriter(path, EVIDENCE, compression="zstd") as writer:
        for one in scored:
            for start in range(0, len(one.rows), WRITTEN_AT_ONCE):
                writer.write_table(_evidence(one, slice(start, start + WRITTEN_AT_ONCE)))


def _evidence(one: ScoredSplit, rows: slice) -> pa.Table:
    labels = one.rows.labels[rows]
    hashes = one.rows.hashes[rows.start : rows.stop]
    columns = {
        "split": pa.repeat(one.split, len(labels)),
        "user": hashes.dictionary_decode() if pa.types.is_dictionary(hashes.type) else hashes,
        "label": labels,
        "dense": one.dense[rows],
        "candidate": one.candidate[rows],
    }
    return pa.table(columns, schema=EVIDENCE)


def _parts(one: ScoredSplit) -> Iterator[tuple[str, JudgedRows, Scores, Scores]]:
    """By key the rows that are looked at, and what both models say of them."""
    whole = judged_rows(one.rows)
    yield one.split, whole, one.dense, one.candidate
    for name, mask in slices(one.rows):
        dense, candidate = (rows_inside(scores, mask) for scores in (one.dense, one.candidate))
        yield f"{one.split}/{name}", whole.take(mask), dense, candidate
    for name, labels in one.rows.tasks.items():
        told, positive = (scratch(len(labels), dtype) for dtype in (np.bool_, np.int8))
        for part in row_slices(len(labels)):
            told[part], positive[part] = ~np.isnan(labels[part]), labels[part] == 1
        if told.any():
            of_task = replace(whole, labels=positive).take(told)
            dense, candidate = (
                rows_inside(of[name], told) for of in (one.dense_tasks, one.candidate_tasks)
            )
            yield f"{one.split}/{TASK}{name}", of_task, dense, candidate
