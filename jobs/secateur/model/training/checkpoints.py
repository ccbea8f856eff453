"""Where a training stands, written so that a retry goes on from there with the same bits.

A checkpoint is one safetensors file a rank and, written last, `checkpoint.json`, which names them
with their digests. Every write is whole or not at all, so a process killed at any moment leaves
the newest whole checkpoint, or the one before. A checkpoint of other inputs, of other code or of
another number of ranks has another key, and is passed over. Why this is not
torch.distributed.checkpoint: infra/decisions/a-checkpoint-is-safetensors-named-by-digest.md.
"""

import hashlib
import logging
import time
from collections.abc import Collection
from dataclasses import dataclass

from safetensors.torch import load, save
from torch import Tensor

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, ObjectMissing
from secateur.contracts.manifest import FileEntry
from secateur.contracts.models import Evaluation
from secateur.model.distributed import World
from secateur.storage import open_store

log = logging.getLogger("secateur.model")

CHECKPOINT = "checkpoint.json"
SUFFIX = ".safetensors"


@dataclass(frozen=True)
class Position:
    """How far a training is: steps and samples taken, and all holdout evaluations.

    `evaluated` are the samples taken up to the last of these, `best` is the number of the best.
    """

    step: int
    samples: int
    evaluated: int
    evaluations: tuple[Evaluation, ...]
    best: int


@dataclass(frozen=True)
class Checkpoint:
    """What `checkpoint.json` holds; `files[rank]` is where that rank's tensors are."""

    key: str
    position: Position
    files: tuple[FileEntry, ...]


class Checkpoints:
    """The checkpoints at a URI of the one training that `key` names, at least `period_s` apart."""

    def __init__(self, uri: str, key: str, period_s: float, world: World | None = None) -> None:
        self.store = open_store(uri)
        self.world = world or World()
        self.key = record.digest([key, self.world.size])
        self.period_s = period_s
        self._saved = time.monotonic()

    @property
    def due(self) -> bool:
        """Whether the last one is `period_s` old, by the clock of the main process."""
        return self.world.main_decides(time.monotonic() - self._saved >= self.period_s)

    def save(self, position: Position, tensors: dict[str, Tensor]) -> None:
        """Write a checkpoint, then remove the one before.

        `tensors` of any shape and dtype are this rank's, by the names that `newest` returns them
        under.
        """
        data = save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()})
        name = f"{position.step}-{self.world.rank}{SUFFIX}"
        self.store.put(name, data)
        entry = FileEntry(name, hashlib.sha256(data).hexdigest(), len(data))
        files = self.world.all_gather_object(entry)
        if self.world.is_main:
            self.store.put(CHECKPOINT, record.dump(Checkpoint(self.key, position, tuple(files))))
            self._remove_files(but={file.path for file in files})
        self.world.barrier()
        self._saved = time.monotonic()

    def newest(self) -> tuple[Position, dict[str, Tensor]] | None:
        """Position and this rank's tensors, of the shapes and dtypes that `save` was given.

        None unless every rank finds its part of a checkpoint of this very training.
        """
        try:
            found = self._read()
        except ObjectMissing:
            found = None
        except CorruptArtifact as error:
            log.warning("%s: starting anew", error)
            found = None
        if not all(self.world.all_gather_object(found is not None)) or found is None:
            return None
        log.info("resuming from step %d, after %d samples", found[0].step, found[0].samples)
        return found

    def _read(self) -> tuple[Position, dict[str, Tensor]] | None:
        found = record.from_json(Checkpoint, self.store.get(CHECKPOINT).data)
        if found.key != self.key:
            log.info("the checkpoint at %s is of another training: starting anew", self.store.uri)
            return None
        file = found.files[self.world.rank]
        data = self.store.get(file.path).data
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise CorruptArtifact(f"{self.store.uri}/{file.path} is not what {CHECKPOINT} promises")
        return found.position, load(data)

    def clear(self) -> None:
        """Remove every checkpoint, the JSON first."""
        if self.world.is_main:
            self.store.delete(CHECKPOINT)
            self._remove_files()

    def _remove_files(self, but: Collection[str] = ()) -> None:
        for entry in list(self.store.entries()):
            if entry.key.endswith(SUFFIX) and entry.key not in but:
                self.store.delete(entry.key)
