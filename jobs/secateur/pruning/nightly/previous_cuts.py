"""What accepted nights leave of their cuts, and how tonight's compare with it.

A bundle whose cuts may be held to has `accepted.CUTS_FILES`; those of the accepted night are on the
shelf `accepted.PRUNINGS`, as `<recipe>.json` and so on, beside the vocabulary that rows are found
again by.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast, get_args

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from secateur.accepted import CUT_TENSORS, CUT_VALUES, CUTS, PRUNINGS, VOCABULARY
from secateur.artifacts import Artifact, Draft
from secateur.contracts.candidates import Granularity, Recipe
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import Overlap, PruningMemory
from secateur.pruning.nightly.hysteresis import Cut, Steady, overlaps
from secateur.pruning.units.calibration import block_names
from secateur.scenario.sections.repruning import Repruning

log = logging.getLogger("secateur.pruning")

OVERLAP = "overlap.json"
# Units that a model trained anew has too.
LASTING: tuple[Granularity, ...] = ("field", "embedding_row")


@dataclass(frozen=True, eq=False)
class Past:
    """What the last accepted night left of a recipe."""

    artifact: Artifact
    memory: PruningMemory
    cuts: Mapping[int, Cut]


def recall(
    state: str | None, recipe: Recipe, dense: Artifact, features: Artifact, day: str
) -> Past | None:
    """What the newest night that ended before `day` left of this recipe; None where nothing fits.

    Rows are found again by the values that they stand for. Where the dense model was not trained on
    from that night's, its neurons are others: then only cuts of inputs and of rows are recalled.
    Raises CorruptArtifact where it is not what was sealed.
    """
    found = PRUNINGS.before(state, day)
    if found is None or f"{recipe.name}.json" not in {e.path for e in found[1].manifest.files}:
        log.info("no night before %s left cuts of %s", day, recipe.name)
        return None
    artifact = found[1]
    memory = artifact.read(f"{recipe.name}.json", PruningMemory)
    spec = dense.read("model.json", ModelSpec)
    if memory.recipe.steps != recipe.steps or replace(memory.model, rows=spec.rows) != spec:
        words = "%s has other steps or units than on %s: it is cut as for the first time"
        log.warning(words, recipe.name, memory.last_day)
        return None
    cuts = _read_cuts(load_file(artifact.file(f"{recipe.name}.safetensors")))
    blocks = zip(block_names(spec), spec.rows, strict=True)
    rows = [_places(name, height - 1, artifact, features) for name, height in blocks]
    cuts = {number: _by_value(cut, rows) for number, cut in cuts.items()}
    if dense.manifest.facts.get("start") != "warm":
        cuts = {number: cut for number, cut in cuts.items() if cut.granularity in LASTING}
    return Past(artifact, memory, cuts)


@dataclass(frozen=True, eq=False)
class Memory:
    """A recipe's cuts of tonight, and what they hold to."""

    recipe: Recipe
    day: str
    past: Past | None
    steady: Steady

    @property
    def digest(self) -> str:
        """Of what the cuts hold to."""
        return self.past.artifact.digest if self.past else "none"

    def write(self, draft: Draft, values: Mapping[str, Sequence[str]]) -> None:
        """Write into a bundle what a later night may hold to; `values` are those of its rows."""
        draft.write(CUTS, PruningMemory(self.recipe, self.steady.dense, self.day))
        save_file(_tensors(self.steady.cuts), draft.folder / CUT_TENSORS)
        now = pa.table({"value": [f"{name}\n{one}" for name, of in values.items() for one in of]})
        pq.write_table(now, draft.folder / CUT_VALUES)
        if self.past:
            draft.write(OVERLAP, self._overlap(self.past, now["value"]))

    def _overlap(self, past: Past, now: pa.ChunkedArray) -> Overlap:
        """How alike the kept units of both nights are, the vocabularies' values among them."""
        path = past.artifact.file(f"{self.recipe.name}{Path(CUT_VALUES).suffix}")
        then = pq.read_table(path)["value"]
        both = pc.sum(pc.is_in(now, then.combine_chunks())).as_py() or 0
        either = len(then) + len(now) - both
        shares = overlaps(past.cuts, self.steady.cuts) | {"value": both / either if either else 1.0}
        told = Overlap(past.memory.last_day, shares)
        log.info("%s: %s", self.recipe.name, told.said)
        return told


def remember(
    wanted: Repruning,
    state: str | None,
    recipe: Recipe,
    inputs: tuple[Artifact, Artifact],
    day: str,
) -> Memory:
    """The memory of a recipe; `inputs` are the dense ModelBundle that it cuts, and the FeatureSet.

    Training on these ended with `day`.
    """
    dense, features = inputs
    past = recall(state, recipe, dense, features, day)
    steady = Steady(wanted, dense.read("model.json", ModelSpec), past.cuts if past else {})
    return Memory(recipe, day, past, steady)


def _places(name: str, size: int, earlier: Artifact, features: Artifact) -> Tensor:
    """Where last night had the `size` values of a block, int64 by tonight's ids, -1 for nowhere.

    A block of buckets has no values: its boundaries are others every night, and all its rows stay.
    """
    then, now = (_values(artifact, name) for artifact in (earlier, features))
    if not len(now):
        return torch.full((size,), -1)
    return torch.from_numpy(pc.fill_null(pc.index_in(now, then), -1).to_numpy().copy()).long()


def _values(artifact: Artifact, name: str) -> pa.Array:
    """A block's values in the order of their ids."""
    rows = pq.read_table(
        artifact.file(VOCABULARY), columns=["id", "value"], filters=[("field", "=", name)]
    )
    return rows.sort_by("id")["value"].combine_chunks()


def _by_value(cut: Cut, places: Sequence[Tensor]) -> Cut:
    """A cut of rows by tonight's ids; any other as it is."""
    if cut.granularity != "embedding_row":
        return cut
    scores, kept = (
        tuple(_moved(of, at, nothing) for of, at in zip(groups, places, strict=True))
        for groups, nothing in ((cut.scores, torch.nan), (cut.kept, False))
    )
    return Cut(cut.granularity, scores, kept)


def _moved(rows: Tensor, places: Tensor, nothing: float) -> Tensor:
    """The rows at these places, and `nothing` where there is none."""
    found = torch.full(places.shape, nothing, dtype=rows.dtype)
    known = places >= 0
    found[known] = rows[places[known]]
    return found


def _tensors(cuts: Mapping[int, Cut]) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for number, cut in cuts.items():
        for group, (scores, kept) in enumerate(zip(cut.scores, cut.kept, strict=True)):
            name = f"{number}.{cut.granularity}.{group}"
            found |= {f"{name}.scores": scores, f"{name}.kept": kept}
    return found


def _read_cuts(tensors: Mapping[str, Tensor]) -> dict[int, Cut]:
    """Cuts by number, from tensors named "<number>.<granularity>.<group>.<scores or kept>"."""
    parts = [name.split(".") for name in tensors]
    found = {}
    for number, granularity in {(part[0], part[1]) for part in parts}:
        groups = sum(part[:2] == [number, granularity] for part in parts) // 2
        scores, kept = (
            tuple(tensors[f"{number}.{granularity}.{group}.{what}"] for group in range(groups))
            for what in ("scores", "kept")
        )
        assert granularity in get_args(Granularity)  # noqa: S101 - as `Memory.write` wrote it
        found[int(number)] = Cut(cast("Granularity", granularity), scores, kept)
    return found
