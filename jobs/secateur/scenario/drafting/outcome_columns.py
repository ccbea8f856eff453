"""Columns that tell the label by their values or by their absence: outcomes of any name."""

from collections import Counter, defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from secateur.auc import auc
from secateur.encoding.numbers import number_in
from secateur.scenario.drafting.columns import LogColumn

_TOO_WELL = 0.95  # what a night refuses by default, too: validation.max_single_feature_auc
_FEW_ROWS, _FEW_VALUES = 20, 50

Labels = Sequence[bool | None]


def tells_label(column: LogColumn, labels: Labels) -> bool:
    """Whether the column alone tells the labels [rows] of the sample, None of which is unknown.

    By being there, by its number, or, where it has few values, by the label of the others that
    have the same.
    """
    if not labels:
        return False
    pairs = zip(column.values, labels, strict=True)
    rows = [(value, is_liked) for value, is_liked in pairs if is_liked is not None]
    liked = sum(is_liked for _, is_liked in rows)
    if min(liked, len(rows) - liked) < _FEW_ROWS:
        return False
    truth = np.array([is_liked for _, is_liked in rows], np.int8)
    tried = [[float(value is not None) for value, _ in rows]]
    if column.numeric:
        tried.append([0.0 if value is None else number_in(value) for value, _ in rows])
    areas = [_area(truth, scores) for scores in tried]
    areas += [1 - area for area in areas]
    if column.distinct <= _FEW_VALUES:
        # Not the other way round: where a value tells nothing, a row's own label speaks against it.
        areas.append(_area(truth, _rates_of_others(rows)))
    return max(areas) > _TOO_WELL


def _area(truth: NDArray[np.int8], scores: Sequence[float]) -> float:
    found = auc(truth, np.nan_to_num(np.array(scores, np.float32)))
    return 0.5 if found is None else found


def _rates_of_others(rows: Sequence[tuple[str | None, bool]]) -> list[float]:
    """For each row the share of positives among the others of its value."""
    many, liked = Counter(value for value, _ in rows), defaultdict[str | None, int](int)
    for value, is_liked in rows:
        liked[value] += is_liked
    return [(liked[v] - one) / (many[v] - 1) if many[v] > 1 else 0.5 for v, one in rows]
