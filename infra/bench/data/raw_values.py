"""Sets that come as ids, given raw values: what a package and its client need of a log."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from bench.data.splits import Splits, schema_of
from secateur.judgement.scoring import client_scoring as judgement
from secateur.judgement.scoring.raw_values import TableValues
from secateur.model.data.batches import Split
from secateur.packaging.source import HELD_OUT_ROWS, HeldOut, Source
from secateur.pruning.units.calibration import CalibrationData


@dataclass(frozen=True)
class Log:
    """Splits of ids, and for every field the raw values that its ids stand for.

    `values[field]` are by falling train counts, which are `counts[field]`.
    """

    splits: Splits
    values: dict[str, list[str]]
    counts: dict[str, list[int]]

    @property
    def calibration(self) -> CalibrationData:
        """Training counts, and the valid set as the holdout."""
        counts = tuple(np.append(c, 0) for c in self.counts.values())
        return CalibrationData(counts, self.splits.held)

    def source(self) -> Source:
        """What a package is made of besides the model."""
        few = replace(self.splits.test, inputs=self.splits.test.inputs.slice(0, HELD_OUT_ROWS))
        held_out = HeldOut(self.raw(few), few.inputs)
        facts = {"days": {"train": ["given"]}, "rows": {"train": len(self.splits.train)}}
        return Source(self.splits.schema, self.values, held_out, facts, self.counts)

    def test_rows(self) -> judgement.HeldOutRows:
        """The test set as judgement reads it; its users are the first field's values."""
        test = self.splits.test
        users = test.inputs.ids[:, 0].numpy().astype(np.int64)
        return judgement.HeldOutRows(
            labels=test.labels.numpy().astype(np.int8),
            users=users,
            items=np.arange(len(users)),
            days=np.zeros(len(users), np.int64),
            hashes=pa.array(users.astype(str)),
            train_events={},
            values=TableValues(pa.table(self.raw(test))),
            item_fields=frozenset(f.name for f in self.splits.schema.inputs if f.owner == "item"),
            slices={},
        )

    def raw(self, split: Split) -> dict[str, list[str | None]]:
        """The raw values of a split's rows; None where training saw no such value."""
        columns = zip(self.values.items(), split.inputs.ids.numpy().T, strict=True)
        return {
            name: np.array([*values, None], object)[ids].tolist() for (name, values), ids in columns
        }


def log_of(splits: Splits, spelled: dict[str, list[str]]) -> Log:
    """Number the ids by falling train counts, as a FeatureSet does; the last is OOV.

    `spelled[field]` has the raw value of every id that `splits` has.
    """
    ranks: list[NDArray[np.int64]] = []
    values, counts = {}, {}
    for column, (name, raw) in enumerate(spelled.items()):
        seen = np.bincount(splits.train.inputs.ids[:, column].numpy(), minlength=len(raw))
        order = np.argsort(-seen, kind="stable")[: np.count_nonzero(seen)]
        rank = np.full(len(seen) + 1, len(order))
        rank[order] = np.arange(len(order))
        ranks.append(rank)
        values[name] = [raw[i] for i in order]
        counts[name] = seen[order].tolist()
    items = [field.name for field in splits.schema.categories if field.owner == "item"]
    sizes = {name: len(known) + 1 for name, known in values.items()}
    train, held, test = (_renumber(s, ranks) for s in (splits.train, splits.held, splits.test))
    schema = schema_of(splits.schema.scenario, sizes, items)
    return Log(Splits(splits.name, schema, train, held, test), values, counts)


def _renumber(split: Split, ranks: Sequence[NDArray[np.int64]]) -> Split:
    """The split with every id replaced by its rank; `ranks[field]` is int64 [ids]."""
    ids = split.inputs.ids.numpy()
    columns = [rank[ids[:, field]] for field, rank in enumerate(ranks)]
    found = torch.from_numpy(np.stack(columns, 1).astype(np.int32))
    return replace(split, inputs=replace(split.inputs, ids=found))
