"""A package may predict more than its label; one that does not is as it always was."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import small_package
from secateur.artifacts import create
from secateur.contracts.errors import CorruptArtifact, ReleaseError
from secateur.serving.files import compression, golden, layout
from secateur.serving.scorer import load

from .conftest import COLUMNS


def change(file: Path, edit: Callable[[dict[str, object]], None]) -> None:
    held = json.loads(compression.decompress(file.read_bytes(), file.name))
    edit(held)
    file.write_bytes(compression.compress(json.dumps(held).encode()))


@pytest.fixture
def copy(package: Callable[[int, int], Path]) -> Path:
    return package(32, 32)


def test_every_task_has_scores_of_its_own_and_the_label_those_of_score(copy: Path) -> None:
    scorer = load(copy)
    found = scorer.score_tasks(COLUMNS, hashed=True)
    assert [*found] == ["liked", "saved", "shared"]
    assert np.array_equal(found["liked"], scorer.score(COLUMNS, hashed=True))
    assert all(scores.shape == (32,) and scores.std() > 1e-3 for scores in found.values())
    assert not np.allclose(found["saved"], found["shared"])
    none = scorer.score_tasks({name: [] for name in COLUMNS}, hashed=True)
    assert {name: scores.shape for name, scores in none.items()} == dict.fromkeys(found, (0,))


def test_a_tasks_golden_score_that_moved_is_an_error(copy: Path) -> None:
    def move(held: dict[str, object]) -> None:
        held["tasks"]["shared"][3] += 2 * golden.TOLERANCE  # type: ignore[index]

    change(copy / layout.GOLDEN, move)
    with pytest.raises(ReleaseError, match="1 of 32 golden scores"):
        load(copy)


def test_golden_scores_of_a_task_too_few_are_an_error(copy: Path) -> None:
    change(copy / layout.GOLDEN, lambda held: held["tasks"].pop("saved"))  # type: ignore[attr-defined]
    with pytest.raises(ReleaseError, match="shared"):
        load(copy)


def test_a_schema_of_other_tasks_than_the_model_is_refused(copy: Path) -> None:
    change(copy / layout.SCHEMA, lambda held: held.update(tasks=["saved"]))
    with pytest.raises(CorruptArtifact, match="probability_shared"):
        load(copy)


def test_a_package_from_before_there_were_tasks_loads_and_has_its_label_alone(
    tmp_path: Path,
) -> None:
    with create(str(tmp_path / "old"), "Package") as draft:
        small_package.write(draft, seed=0)
        for name in (layout.SCHEMA, layout.GOLDEN):
            change(draft.folder / name, lambda held: held.pop("tasks"))
        scorer = load(draft.folder, id_key=small_package.KEY.encode())
    found = scorer.score_tasks(small_package.ROWS)
    assert [*found] == ["long_view"]
    assert np.array_equal(found["long_view"], scorer.score(small_package.ROWS))
