"""Sets to measure training on, as the trainer reads them: Frappe_x1, and ids of Zipf's law."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from pyarrow import csv

from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs

ITEMS = ("item", "cost")  # Frappe's: an app, and whether it costs anything


@dataclass(frozen=True)
class Rows:
    """A set to train on, one to look at meanwhile, and one to test on, with the schema of all."""

    name: str
    schema: FeatureSchema
    train: Split
    held: Split
    test: Split


def read_frappe(folder: Path) -> Rows:
    """Frappe_x1 as it was split: train, valid and test set."""
    tables = {
        name: csv.read_csv(pa.input_stream(str(folder / f"{name}.csv.zst"), compression="zstd"))
        for name in ("train", "valid", "test")
    }
    names = [name for name in tables["train"].column_names if name != "label"]
    ids = {
        name: np.stack([table[column].to_numpy() for column in names], 1)
        for name, table in tables.items()
    }
    low = np.min([part.min(0) for part in ids.values()], 0)
    high = np.max([part.max(0) for part in ids.values()], 0)
    schema = schema_of("frappe", dict(zip(names, (high - low + 2).tolist(), strict=True)), ITEMS)
    sets = [split(ids[name] - low, tables[name]["label"].to_numpy()) for name in tables]
    return Rows("Frappe_x1", schema, *sets)


def repeated(rows: Rows, times: int) -> Rows:
    """The train rows so often: a set of the size that a GPU is for, looked at once an epoch."""
    at = torch.arange(len(rows.train)).repeat(times)
    many = Split(rows.train.inputs.take(at), rows.train.labels[at], np.tile(rows.train.days, times))
    return replace(rows, name=f"{rows.name}, train rows {times} times", train=many)


def zipf(features: int, rows: int, fields: int = 10) -> Rows:
    """Ids drawn by Zipf's law of `features` ids in `fields` fields; labels of planted weights."""
    size = features // fields
    random = np.random.default_rng(0)
    ids = np.minimum(random.zipf(1.2, (rows, fields)), size) - 1
    weights = random.normal(0, 0.5, (fields, size))
    logits = weights[np.arange(fields), ids].sum(1)
    labels = (random.random(rows) < 1 / (1 + np.exp(-logits))).astype(np.int64)
    sizes = {f"f{number}": size + 1 for number in range(fields)}
    schema = schema_of("zipf", sizes, [*sizes][fields // 2 :])
    ends = (0, rows // 20, rows // 10, rows)
    held, test, kept = (split(ids[a:b], labels[a:b]) for a, b in pairwise(ends))
    return Rows(f"{features:,} features, Zipf", schema, kept, held, test)


def schema_of(name: str, sizes: dict[str, int], items: Collection[str]) -> FeatureSchema:
    """Categories of these sizes, their OOV ids included; some of them are the items'."""
    fields = (
        CategoryField(field, "item" if field in items else "context", size, 1)
        for field, size in sizes.items()
    )
    return FeatureSchema(name, "label", tuple(fields), (), "")


def split(ids: np.ndarray, labels: np.ndarray) -> Split:
    """Rows of ids [rows, fields]; labels above 0 are 1."""
    count = len(ids)
    inputs = Inputs(
        torch.from_numpy(ids.astype(np.int32)), torch.empty(count, 0), torch.empty(count, 0), ()
    )
    days = np.full(count, np.datetime64("2000-01-01"))
    return Split(inputs, torch.from_numpy((labels > 0).astype(np.float32)), days)
