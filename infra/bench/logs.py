"""Logs that come as ids: Frappe_x1, and one of Zipf's law, as a night has its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from pyarrow import csv

from secateur.judgement import scoring as judgement
from secateur.model.data.batches import Split
from secateur.packaging.source import Source
from secateur.pruning.units.calibration import Evidence
from training_sets import Rows, read_frappe, schema_of, zipf

GOLDEN_ROWS = 64
FEATURES = 1_300_000


@dataclass(frozen=True)
class Log:
    """A set as a night has it: the values that training saw by falling counts, which are theirs."""

    rows: Rows
    values: dict[str, list[str]]
    counts: dict[str, list[int]]

    @property
    def evidence(self) -> Evidence:
        """Training counts, and the valid set as the holdout."""
        counts = tuple(np.append(c, 0) for c in self.counts.values())
        return Evidence(counts, self.rows.held)

    def source(self) -> Source:
        """What a package takes of it."""
        few = replace(self.rows.test, inputs=self.rows.test.inputs.slice(0, GOLDEN_ROWS))
        facts = {"days": {"train": ["given"]}, "rows": {"train": len(self.rows.train)}}
        return Source(self.rows.schema, self.values, self.raw(few), facts, self.counts)

    def test_rows(self) -> judgement.Rows:
        """The test set as the client is given it; its users are the first field's values."""
        test = self.rows.test
        users = test.inputs.ids[:, 0].numpy().astype(np.int64)
        return judgement.Rows(
            labels=test.labels.numpy().astype(np.int8),
            users=users,
            hashes=pa.array(users.astype(str)),
            train_events={},
            values=pa.table(self.raw(test)),
            item_fields=frozenset(f.name for f in self.rows.schema.inputs if f.owner == "item"),
            slices={},
        )

    def raw(self, split: Split) -> dict[str, list[str | None]]:
        """The raw values of a split's rows; None where training saw no such value."""
        columns = zip(self.values.items(), split.inputs.ids.numpy().T, strict=True)
        return {
            name: np.array([*values, None], object)[ids].tolist() for (name, values), ids in columns
        }


def read_log(folder: Path) -> Log:
    """Frappe_x1, its values spelled as it spells them."""
    rows = read_frappe(folder)
    table = csv.read_csv(pa.input_stream(str(folder / "vocab.csv.zst"), compression="zstd"))
    own: dict[str, list[str]] = {field.name: [] for field in rows.schema.categories}
    for name, value in zip(table["field"].to_pylist(), table["value"].to_pylist(), strict=True):
        own[name].append(str(value))
    return log_of(rows, own)


def zipf_log(rows: int) -> Log:
    """Ids of Zipf's law; what they are worth is planted."""
    made = zipf(FEATURES, rows)
    drawn = np.random.default_rng(1).choice(1 << 32, FEATURES // 10 + 1, replace=False)
    tokens = [f"{token:08x}" for token in drawn.tolist()]
    return log_of(made, {field.name: tokens for field in made.schema.categories})


def log_of(rows: Rows, own: dict[str, list[str]]) -> Log:
    """Give ids the order of a FeatureSet; `own[field]` spells the ids as they are."""
    ranks, values, counts = [], {}, {}
    for place, (name, spelled) in enumerate(own.items()):
        seen = np.bincount(rows.train.inputs.ids[:, place].numpy(), minlength=len(spelled))
        order = np.argsort(-seen, kind="stable")[: np.count_nonzero(seen)]
        rank = np.full(len(seen) + 1, len(order))
        rank[order] = np.arange(len(order))
        ranks.append(rank)
        values[name] = [spelled[i] for i in order]
        counts[name] = seen[order].tolist()
    items = [field.name for field in rows.schema.categories if field.owner == "item"]
    sizes = {name: len(known) + 1 for name, known in values.items()}
    train_rows, held, test = (_ranked(s, ranks) for s in (rows.train, rows.held, rows.test))
    schema = schema_of(rows.schema.scenario, sizes, items)
    return Log(Rows(rows.name, schema, train_rows, held, test), values, counts)


def _ranked(split: Split, ranks: Sequence[np.ndarray]) -> Split:
    ids = split.inputs.ids.numpy()
    columns = [rank[ids[:, place]] for place, rank in enumerate(ranks)]
    found = torch.from_numpy(np.stack(columns, 1).astype(np.int32))
    return replace(split, inputs=replace(split.inputs, ids=found))
