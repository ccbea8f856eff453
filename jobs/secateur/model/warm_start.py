"""Warm start: a night goes on from the dense model of the last accepted night, the master.

A vocabulary is ranked anew every night, so a value gets another row. Weights and moments therefore
travel by what a row stands for: a new value begins as in an untrained model, a value that is gone
is forgotten, and OOV stays OOV. Only days that the master has not seen are trained on: an
embedding row that meets its events a second time learns them by heart (see `training/train.py`).
"""

import logging
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from secateur.accepted import MASTER, MASTERS, TENSORS, VOCABULARY
from secateur.artifacts import Artifact, Draft
from secateur.contracts import artifact_files
from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.features import BucketField, CategoryField, FeatureSchema, ListField
from secateur.contracts.models import Master
from secateur.model.architectures.network_settings import without_foreign_keys
from secateur.model.architectures.recommender import Recommender
from secateur.model.data.streaming import Stream
from secateur.model.optimization.optimizers import TABLES, TrainingState

log = logging.getLogger("secateur.model")

BREAK = pa.scalar("\n", pa.large_string())
_MOMENTS = "moments:"


@dataclass(frozen=True, eq=False)
class Start:
    """Where a night's training begins: the rows it reads, and the state that it goes on from.

    A cold start has no state and no master.
    """

    rows: Stream
    state: TrainingState | None = None
    master: Artifact | None = None

    @property
    def kind(self) -> str:
        """`warm` or `cold`, for the manifest."""
        return "warm" if self.state else "cold"


def warm_start(state: str | None, model: Recommender, features: Artifact, train: Stream) -> Start:
    """Go on from the newest master that has not seen the last of the train days.

    Where there is none, or one of other shapes than the untrained `model`, the start is cold, and
    the log says why. Raises CorruptArtifact where a master is not what was sealed.
    """
    found = MASTERS.before(state, train.days[-1])
    if found is None:
        log.info("cold start: no master before %s was accepted", train.days[-1])
        return Start(train)
    day, artifact = found
    master = artifact.read(MASTER, Master)
    if master.last_day != day:
        raise CorruptArtifact(f"{artifact.uri} holds the master of {master.last_day}")
    tensors = load_file(artifact.file(TENSORS))
    if not _has_shapes_of(model, master, tensors):
        log.warning("cold start: the master of %s has other layers than the scenario asks for", day)
        return Start(train)
    old = row_keys(master.schema, artifact.file(VOCABULARY))
    new = row_keys(features.read(artifact_files.SCHEMA, FeatureSchema), features.file(VOCABULARY))
    old_rows = torch.from_numpy(pc.fill_null(pc.index_in(new, old), -1).to_numpy().copy()).long()
    known = int((old_rows >= 0).sum())
    log.info(
        "warm start from the master of %s: %d of %d rows are known, %d are gone",
        *(day, known, len(new), len(old) - known),
    )
    return Start(
        train.after_day(day), _align_rows(tensors, old_rows, model, master.steps), artifact
    )


def write_master(
    draft: Draft, state: TrainingState, model: Recommender, features: Artifact, day: str
) -> None:
    """Write into a bundle what a later night may go on from, `day` being the last trained on."""
    schema = features.read(artifact_files.SCHEMA, FeatureSchema)
    draft.write(MASTER, Master(model.spec, schema, state.steps, day))
    moments = {f"{_MOMENTS}{name}": tensor for name, tensor in state.moments.items()}
    save_file({**state.weights, **moments}, draft.folder / TENSORS)
    shutil.copyfile(features.file(VOCABULARY), draft.folder / VOCABULARY)


def row_keys(schema: FeatureSchema, vocabulary: Path) -> pa.Array:
    """What every row of the tables stands for, strings [rows] in their order, all different."""
    values = pq.ParquetFile(vocabulary).read(["field", "value"])
    parts = [_keys(field, values, schema.id_key) for field in (*schema.fields, *schema.own_lists)]
    parts.append([field.name for field in schema.numbers])
    parts += [[f"{one.name}\t{place}" for place in range(one.length)] for one in schema.vectors]
    return pa.concat_arrays([pa.array(part, pa.large_string()) for part in parts])


def _keys(
    field: CategoryField | BucketField | ListField, values: pa.Table, id_key: str
) -> pa.Array | list[str]:
    """The keys [rows] of one field: a value follows a line break, so that kinds never collide."""
    if isinstance(field, BucketField):
        return [f"{field.name}\t{place} of {field.size}" for place in range(field.size)]
    hashed = isinstance(field, CategoryField) and field.hashed
    name = pa.scalar(f"{field.name}\t{id_key}" if hashed else field.name, pa.large_string())
    own = values.filter(pc.equal(values["field"], field.name))["value"].combine_chunks()
    known = pc.binary_join_element_wise(name, own.cast(pa.large_string()), BREAK)
    return pa.concat_arrays([known, pa.array([field.name], pa.large_string())])


def _has_shapes_of(model: Recommender, master: Master, tensors: dict[str, Tensor]) -> bool:
    """Whether the master's tensors differ from the model's in the tables' [rows] at most."""
    old = without_foreign_keys(master.model)
    if replace(old, rows=model.spec.rows) != model.spec:
        return False
    found = {name: tensor.shape[1:] for name, tensor in tensors.items() if _MOMENTS not in name}
    return found == {name: tensor.shape[1:] for name, tensor in model.state_dict().items()}


def _align_rows(
    tensors: dict[str, Tensor], old_rows: Tensor, model: Recommender, steps: int
) -> TrainingState:
    """The master's state, its tables' rows in tonight's order.

    `old_rows` int64 [rows] has the master's row for each of tonight's, -1 where there is none.
    """
    known = old_rows >= 0

    def align(name: str, fresh: Tensor) -> Tensor:
        fresh[known] = tensors[name][old_rows[known]]
        return fresh

    weights = {name: tensors[name] for name in model.state_dict()}
    moments = {n.removeprefix(_MOMENTS): t for n, t in tensors.items() if n.startswith(_MOMENTS)}
    for table in TABLES:
        weights[table] = align(table, model.state_dict()[table].clone())
        for name in [name for name in moments if name.startswith(table)]:
            old = moments[name]
            moments[name] = align(f"{_MOMENTS}{name}", old.new_zeros(len(old_rows), *old.shape[1:]))
    return TrainingState(weights, moments, steps)
