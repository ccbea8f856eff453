"""That a portable model scores the golden rows of its package as the client does."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from secateur.contracts import record
from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.encoding.numbers import number_of
from secateur.encoding.spelling import canonical
from secateur.serving.encoding.raw_columns import is_scalar
from secateur.serving.encoding.sequences import encode_vector, rows_of
from secateur.serving.files import layout
from secateur.serving.files.golden import Golden
from secateur.serving.files.package import read_whole
from secateur.serving.portable_model import Feed, demand_alike
from secateur.serving.scorer import load


@dataclass(frozen=True)
class Check:
    """The golden rows as the portable model's inputs, the client's scores, and how far its own are.

    `scores` are by output; `difference` is the largest of all.
    """

    inputs: Feed
    scores: dict[str, NDArray[np.float32]]
    difference: float


def check(model: bytes, folder: Path) -> Check:
    """Score the golden rows of the package in `folder` both ways.

    Raises ReleaseError where a score differs by more than 1e-6, and what `load` does.
    """
    scorer = load(folder)
    columns = record.from_json(Golden, read_whole(folder, layout.GOLDEN)).columns
    label, *tasks = scorer.score_tasks(columns, hashed=True).items()
    expected = {layout.PROBABILITY: label[1]}
    expected |= {layout.task_output(name): scores for name, scores in tasks}
    inputs = raw_inputs(scorer.schema, columns)
    difference = demand_alike(model, inputs, expected)
    return Check(inputs, expected, difference)


def raw_inputs(schema: FeatureSchema, columns: Mapping[str, Sequence[Any]]) -> Feed:
    """A portable model's inputs (see `raw_fields`) for raw columns; users are keyed hashes."""
    feed: Feed = {}
    for field in schema.fields:
        column = _values(columns[field.name])
        if not isinstance(field, CategoryField):
            feed[field.name] = np.array([*map(number_of, column)], np.float64)
        elif field.hashed:
            feed[field.name] = np.array([int(canonical(v) or "0", 16) for v in column], np.uint64)
        else:
            feed[field.name] = np.array([canonical(v) or "" for v in column], object)
    for number in schema.numbers:
        feed[number.name] = np.array([*map(number_of, _values(columns[number.name]))], np.float64)
    for one in schema.lists:
        feed[one.name] = _text_matrix([list(row) for row in rows_of(columns[one.name], one)])
    for vector in schema.vectors:
        feed[vector.name] = encode_vector(vector, columns[vector.name])
    return feed


def _values(column: Any) -> Sequence[Any]:  # noqa: ANN401
    return [column] if is_scalar(column) else column


def _text_matrix(rows: Sequence[Sequence[Any]]) -> NDArray[Any]:
    """Texts [rows, longest] in their canonical spelling, padded with empty ones."""
    width = max(1, *map(len, rows))
    texts = np.full((len(rows), width), "", object)
    for place, row in enumerate(rows):
        texts[place, : len(row)] = [canonical(value) or "" for value in row]
    return texts
