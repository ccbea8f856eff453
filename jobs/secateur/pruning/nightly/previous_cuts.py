"""The cuts of the last accepted night, read for tonight's, and tonight's written for the next.

A bundle whose cuts a later night may follow has `accepted.CUTS_FILES`. Those of an accepted night
are on the shelf `accepted.PRUNINGS`, as `<recipe>.json` and so on, beside the vocabulary by which
rows are found again.
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
from secateur.contracts import artifact_files
from secateur.contracts.candidates import Granularity, Recipe
from secateur.contracts.models import ModelSpec
from secateur.contracts.pruning import Overlap, PruningMemory
from secateur.pruning.nightly.hysteresis import Cut, Hysteresis, overlaps
from secateur.pruning.units.calibration import block_names
from secateur.scenario.sections.repruning import Repruning

log = logging.getLogger("secateur.pruning")

# Units that a model trained anew has too, unlike its neurons and dimensions.
LASTING: tuple[Granularity, ...] = ("field", "embedding_row")


@dataclass(frozen=True, eq=False)
class PreviousCuts:
    """The cuts of a recipe by number, as the last accepted night left them."""

    artifact: Artifact
    memory: PruningMemory
    cuts: Mapping[int, Cut]


def load_previous_cuts(
    state: str | None, recipe: Recipe, dense: Artifact, features: Artifact, day: str
) -> PreviousCuts | None:
    """The cuts of this recipe in the newest night that ended before `day`; None where none fits.

    Rows are found again by the values that they stand for. Where the dense model did not go on from
    that night's, its neurons are others: then only cuts of inputs and of rows are loaded. Raises
    CorruptArtifact where they are not what was sealed.
    """
    found = PRUNINGS.before(state, day)
    if found is None or f"{recipe.name}.json" not in {e.path for e in found[1].manifest.files}:
        log.info("no night before %s left cuts of %s", day, recipe.name)
        return None
    artifact = found[1]
    memory = artifact.read(f"{recipe.name}.json", PruningMemory)
    spec = dense.read(artifact_files.MODEL, ModelSpec)
    if memory.recipe.steps != recipe.steps or replace(memory.model, rows=spec.rows) != spec:
        words = "%s has other steps or units than on %s: its cuts follow no earlier ones"
        log.warning(words, recipe.name, memory.last_day)
        return None
    cuts = _read_cuts(load_file(artifact.file(f"{recipe.name}.safetensors")))
    blocks = zip(block_names(spec), spec.rows, strict=True)
    rows = [_previous_ids(name, height - 1, artifact, features) for name, height in blocks]
    cuts = {number: _align_rows(cut, rows) for number, cut in cuts.items()}
    if dense.manifest.facts.get("start") != "warm":
        cuts = {number: cut for number, cut in cuts.items() if cut.granularity in LASTING}
    return PreviousCuts(artifact, memory, cuts)


@dataclass(frozen=True, eq=False)
class NightlyCuts:
    """A recipe's cuts of tonight, and the previous ones that they follow."""

    recipe: Recipe
    day: str
    previous: PreviousCuts | None
    hysteresis: Hysteresis

    @property
    def digest(self) -> str:
        """The digest of the previous cuts, for the manifest."""
        return self.previous.artifact.digest if self.previous else "none"

    def write(self, draft: Draft, values: Mapping[str, Sequence[str]]) -> None:
        """Write the cuts into a bundle; `values` are those of its rows, by block of the table."""
        draft.write(CUTS, PruningMemory(self.recipe, self.hysteresis.dense, self.day))
        save_file(_to_tensors(self.hysteresis.cuts), draft.folder / CUT_TENSORS)
        now = pa.table({"value": [f"{name}\n{one}" for name, of in values.items() for one in of]})
        pq.write_table(now, draft.folder / CUT_VALUES)
        if self.previous:
            draft.write(artifact_files.OVERLAP, self._overlap(self.previous, now["value"]))

    def _overlap(self, previous: PreviousCuts, now: pa.ChunkedArray) -> Overlap:
        """The overlap of both nights' kept units and of their values; `now` are strings [rows]."""
        path = previous.artifact.file(f"{self.recipe.name}{Path(CUT_VALUES).suffix}")
        then = pq.read_table(path)["value"]
        both = pc.sum(pc.is_in(now, then.combine_chunks())).as_py() or 0
        either = len(then) + len(now) - both
        shares = overlaps(previous.cuts, self.hysteresis.cuts) | {
            "value": both / either if either else 1.0
        }
        found = Overlap(previous.memory.last_day, shares)
        log.info("%s: %s", self.recipe.name, found.words)
        return found


def follow_previous_cuts(
    settings: Repruning,
    state: str | None,
    recipe: Recipe,
    inputs: tuple[Artifact, Artifact],
    day: str,
) -> NightlyCuts:
    """A recipe's cuts before the first, with those of the last accepted night to follow.

    `inputs` are the dense ModelBundle and the FeatureSet; training on these ended with `day`.
    """
    dense, features = inputs
    previous = load_previous_cuts(state, recipe, dense, features, day)
    hysteresis = Hysteresis(
        settings, dense.read(artifact_files.MODEL, ModelSpec), previous.cuts if previous else {}
    )
    return NightlyCuts(recipe, day, previous, hysteresis)


def _previous_ids(name: str, size: int, earlier: Artifact, features: Artifact) -> Tensor:
    """Last night's ids of a block's values, int64 [size] by tonight's ids, -1 for new values.

    A block of buckets has no values: its boundaries are others every night, and all its rows stay.
    """
    then, now = (_values(artifact, name) for artifact in (earlier, features))
    if not len(now):
        return torch.full((size,), -1)
    return torch.from_numpy(pc.fill_null(pc.index_in(now, then), -1).to_numpy().copy()).long()


def _values(artifact: Artifact, name: str) -> pa.Array:
    """A block's values, strings [rows - 1] in the order of their ids."""
    rows = pq.read_table(
        artifact.file(VOCABULARY), columns=["id", "value"], filters=[("field", "=", name)]
    )
    return rows.sort_by("id")["value"].combine_chunks()


def _align_rows(cut: Cut, previous_ids: Sequence[Tensor]) -> Cut:
    """A cut of rows by tonight's ids, any other as it is; `previous_ids` int64 [rows] a block."""
    if cut.granularity != "embedding_row":
        return cut
    scores, kept = (
        tuple(_gather_rows(of, at, nothing) for of, at in zip(groups, previous_ids, strict=True))
        for groups, nothing in ((cut.scores, torch.nan), (cut.kept, False))
    )
    return Cut(cut.granularity, scores, kept)


def _gather_rows(rows: Tensor, previous_ids: Tensor, nothing: float) -> Tensor:
    """`rows` [n] at the `previous_ids` int64 [rows], and `nothing` where these are -1."""
    found = torch.full(previous_ids.shape, nothing, dtype=rows.dtype)
    known = previous_ids >= 0
    found[known] = rows[previous_ids[known]]
    return found


def _to_tensors(cuts: Mapping[int, Cut]) -> dict[str, Tensor]:
    """Tensors [units] named as `_read_cuts` reads them."""
    found: dict[str, Tensor] = {}
    for number, cut in cuts.items():
        for group, (scores, kept) in enumerate(zip(cut.scores, cut.kept, strict=True)):
            name = f"{number}.{cut.granularity}.{group}"
            found |= {f"{name}.scores": scores, f"{name}.kept": kept}
    return found


def _read_cuts(tensors: Mapping[str, Tensor]) -> dict[int, Cut]:
    """Cuts by number, from tensors "<number>.<granularity>.<group>.<scores or kept>" [units]."""
    parts = [name.split(".") for name in tensors]
    found = {}
    for number, granularity in {(part[0], part[1]) for part in parts}:
        groups = sum(part[:2] == [number, granularity] for part in parts) // 2
        scores, kept = (
            tuple(tensors[f"{number}.{granularity}.{group}.{what}"] for group in range(groups))
            for what in ("scores", "kept")
        )
        assert granularity in get_args(Granularity)  # noqa: S101 - as `NightlyCuts.write` wrote it
        found[int(number)] = Cut(cast("Granularity", granularity), scores, kept)
    return found
