"""A package with random weights and the verdict that accepts it: small, and real in every byte."""

import shutil
from pathlib import Path

import numpy as np
import torch

from secateur import artifacts
from secateur.artifacts import Artifact
from secateur.contracts.candidates import Recipe
from secateur.contracts.features import BucketField, CategoryField, FeatureSchema
from secateur.contracts.judgement import Verdict
from secateur.contracts.manifest import MadeBy
from secateur.contracts.models import ModelSpec
from secateur.identity import fingerprint, hash_id
from secateur.model.architectures.deepfm.network import DeepFM
from secateur.model.data.inputs import Inputs
from secateur.packaging.assembly import write_package
from secateur.packaging.source import HeldOut, Source

KEY = "a key of sixteen bytes or more"
SCHEMA = FeatureSchema(
    scenario="short_video",
    label="long_view",
    categories=(
        CategoryField("user_id", "user", 21, 1, hashed=True),
        CategoryField("video_id", "item", 11, 1),
    ),
    buckets=(BucketField("duration_ms", "item", (1e3, 1e4)),),
    id_key=fingerprint(KEY.encode()),
)
USERS = [str(user) for user in range(20)]
ROWS = {
    "user_id": [*USERS, "999", ""],
    "video_id": [str(i % 12) for i in range(22)],
    "duration_ms": ["", *(str(500 * i) for i in range(21))],
}


def write(draft: artifacts.Draft, seed: int) -> None:
    """A package with random weights that follow from `seed`."""
    torch.manual_seed(seed)
    rows = (21, 11, 4)
    model = DeepFM(ModelSpec("deepfm", tuple(ROWS), rows, 4, (8,))).eval()
    torch.nn.init.normal_(model.embedding.weight)
    vocabulary = {
        "user_id": [hash_id(KEY.encode(), user) for user in USERS],
        "video_id": [str(i) for i in range(10)],
    }
    columns = {
        "user_id": [*vocabulary["user_id"][:3], None],
        "video_id": ["1", "2", None, "77"],
        "duration_ms": [1.0, None, 2e3, 2e5],
    }
    rows_of_them = [[0, 1, 0], [1, 2, 3], [2, 10, 1], [20, 10, 2]]
    held_out = HeldOut(columns, Inputs.of_ids(torch.tensor(rows_of_them, dtype=torch.int32)))
    facts = {"days": {"train": ["2022-04-25"]}, "rows": {"train": 100}}
    ids = np.random.default_rng(seed).integers(0, rows, (50, 3)).astype(np.int32)
    typical = Inputs.of_ids(torch.from_numpy(ids))
    source = Source(SCHEMA, vocabulary, held_out, facts)
    write_package(
        draft, model, Recipe(f"recipe_{seed}", embedding_bits=8), source, typical, "Sample"
    )


def sealed(folder: Path, seed: int) -> tuple[Artifact, Artifact]:
    """A package and the verdict that accepts it."""
    package, verdict = str(folder / f"package{seed}"), str(folder / f"verdict{seed}")
    by = MadeBy("test", "0")
    with artifacts.create(package, "Package") as draft:
        write(draft, seed)
        draft.seal(by, {}, {})
    made = artifacts.open_artifact(package, "Package")
    return made, _accepted(made, verdict, f"recipe_{seed}")


def sealed_again(folder: Path, of: Artifact, number: int) -> tuple[Artifact, Artifact]:
    """Another package that scores as `of` does, and its verdict: its card has one line more."""
    package, verdict = str(folder / f"again{number}"), str(folder / f"again{number}_verdict")
    with artifacts.create(package, "Package") as draft:
        for entry in of.manifest.files:
            (draft.folder / entry.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(of.folder / entry.path, draft.folder / entry.path)
        with (draft.folder / "model_card.md").open("a") as card:
            card.write(f"\nNumber {number}.\n")
        draft.seal(MadeBy("test", "0"), {}, {})
    made = artifacts.open_artifact(package, "Package")
    return made, _accepted(made, verdict, f"recipe_again_{number}")


def _accepted(made: Artifact, verdict: str, recipe: str) -> Artifact:
    """The verdict that accepts a package."""
    decision = Verdict(
        accepted=True,
        reason="confirmed",
        chosen=recipe,
        package=made.digest,
        dense_package="d" * 64,
        dense_bytes=10 * made.manifest.bytes,
        margin=0.01,
        supported_margin=0.01,
        confirmed=None,
        candidates=(),
    )
    with artifacts.create(verdict, "Verdict") as draft:
        draft.write("verdict.json", decision)
        draft.seal(MadeBy("test", "0"), {}, {})
    return artifacts.open_artifact(verdict, "Verdict")
