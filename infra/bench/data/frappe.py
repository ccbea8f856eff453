"""Frappe_x1, the public split of the Frappe log of app usage (Baltrunas et al., 2015).

Its folder is not bundled: it may not be redistributed.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import csv

from bench.data.raw_values import Log, log_of
from bench.data.splits import Splits, schema_of, split
from secateur.scenario import Training

ITEMS = ("item", "cost")  # an app, and whether it costs anything

Settings = dict[str, object]

_ALL: Settings = {"precision": "bf16", "threads": 2, "evaluations_an_epoch": 1, "patience": 4}
_SHALLOW: Settings = {"batch_size": 4096, "max_epochs": 24.0}
_DEEP: Settings = {
    "embedding_dim": 40,
    "table_l2": 0.02,
    "hidden": (400, 400, 400),
    "batch_norm": True,
    "dropout": 0.2,
    "batch_size": 4096,
    "learning_rate": 1e-3,
    "max_epochs": 30.0,
}
# Annealed to the end: the published ones lower the rate tenfold where the valid AUC stands still.
_ANNEALED: Settings = _DEEP | {
    "embedding_dim": 10,
    "table_l2": 0.05,  # half of the published `embedding_regularizer`, which is of half the norm
    "max_epochs": 16.0,
    "patience": 16,
}
_OWN: dict[str, Settings] = {
    "lr": _SHALLOW | {"learning_rate": 2e-2, "table_l2": 4e-6},
    "fm": _SHALLOW | {"embedding_dim": 40, "learning_rate": 5e-3, "embedding_l2": 3e-4},
    "deepfm": _DEEP,
    "dcnv2": _DEEP,
    "gdcn": _ANNEALED | {"dropout": 0.3, "cross_layers": 3},
    "dlrm": _DEEP | {"interaction": "cat"},  # as the published one
    # BARS, MaskNet_frappe_x1_028_015da53e: parallel, no batch norm, embeddings not normalised.
    "masknet": _ANNEALED
    | {
        "batch_norm": False,
        "dropout": 0.1,
        "mask_blocks": 3,
        "mask_block_width": 50,
        "mask_ratio": 2.0,
    },
    "finalmlp": _DEEP,
}
# How every architecture is trained on Frappe_x1.
TRAININGS = {
    name: Training.model_validate({"architecture": name} | _ALL | own) for name, own in _OWN.items()
}


def read_frappe(folder: Path) -> Splits:
    """Train, valid and test set, each field's ids counted from 0."""
    tables = {name: _table(folder, name) for name in ("train", "valid", "test")}
    names = [name for name in tables["train"].column_names if name != "label"]
    ids = {
        name: np.stack([table[column].to_numpy() for column in names], 1)
        for name, table in tables.items()
    }
    low = np.min([part.min(0) for part in ids.values()], 0)
    high = np.max([part.max(0) for part in ids.values()], 0)
    schema = schema_of("frappe", dict(zip(names, (high - low + 2).tolist(), strict=True)), ITEMS)
    sets = [split(ids[name] - low, tables[name]["label"].to_numpy()) for name in tables]
    return Splits("Frappe_x1", schema, *sets)


def frappe_log(folder: Path) -> Log:
    """The same with its values as `vocab.csv.zst` spells them."""
    splits = read_frappe(folder)
    spelled: dict[str, list[str]] = {field.name: [] for field in splits.schema.categories}
    vocabulary = _table(folder, "vocab")
    pairs = zip(vocabulary["field"].to_pylist(), vocabulary["value"].to_pylist(), strict=True)
    for field, value in pairs:
        spelled[field].append(str(value))
    return log_of(splits, spelled)


def _table(folder: Path, name: str) -> pa.Table:
    return csv.read_csv(pa.input_stream(str(folder / f"{name}.csv.zst"), compression="zstd"))
