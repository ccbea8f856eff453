"""Splits as the trainer reads them: splits of ids with their schema."""

from collections.abc import Collection
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.model.data.batches import Split
from secateur.model.data.inputs import Inputs


@dataclass(frozen=True)
class Splits:
    """Splits to train on, to evaluate on meanwhile, and to test on, with the schema of all."""

    name: str
    schema: FeatureSchema
    train: Split
    held: Split
    test: Split


def schema_of(name: str, sizes: dict[str, int], items: Collection[str]) -> FeatureSchema:
    """Categories of these sizes, their OOV ids included; those in `items` are the item's."""
    fields = (
        CategoryField(field, "item" if field in items else "context", size, 1)
        for field, size in sizes.items()
    )
    return FeatureSchema(name, "label", tuple(fields), (), "")


def split(ids: NDArray[np.int64], labels: NDArray[np.int64]) -> Split:
    """A split of int64 ids [rows, fields] and labels [rows]; a label above 0 is positive."""
    count = len(ids)
    inputs = Inputs(
        torch.from_numpy(ids.astype(np.int32)), torch.empty(count, 0), torch.empty(count, 0), ()
    )
    days = np.full(count, np.datetime64("2000-01-01"))
    return Split(inputs, torch.from_numpy((labels > 0).astype(np.float32)), days)


def repeat_train(splits: Splits, times: int) -> Splits:
    """The train rows repeated: a set of the size that a GPU is for, one evaluation an epoch."""
    at = torch.arange(len(splits.train)).repeat(times)
    train = splits.train
    many = Split(train.inputs.take(at), train.labels[at], np.tile(train.days, times))
    return replace(splits, name=f"{splits.name}, train rows {times} times", train=many)
