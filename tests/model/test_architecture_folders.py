"""An architecture is known in its folder and to the registry, and nowhere else."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from secateur.contracts.models import Architecture
from secateur.model.architectures import packages
from secateur.model.architectures.prunable_groups import PrunableGroups
from secateur.model.architectures.registry import ARCHITECTURES, Entry

JOBS = Path(__file__).parents[2] / "jobs"
FOLDERS = JOBS / "secateur" / "model" / "architectures"
REGISTRY = {FOLDERS / "registry.py", FOLDERS / "packages.py"}
# The list of names that a scenario may use, and the drafted scenario that uses one.
LISTS = {
    JOBS / "secateur" / "contracts" / "models.py",
    JOBS / "secateur" / "scenario" / "sections" / "training.py",
    JOBS / "secateur" / "scenario" / "drafting" / "draft_sections.py",
}
OUTSIDE = sorted(
    path
    for path in JOBS.rglob("*.py")
    if path not in REGISTRY | LISTS and not (FOLDERS in path.parents and path.parent != FOLDERS)
)
NETWORKS = {entry.network.__name__ for entry in ARCHITECTURES.values()}
MODULES = {folder.parent.name for folder in FOLDERS.glob("*/network.py")}
# Of an optimizer, not of a model: torch's name for a learning rate.
LEARNING_RATE = "lr"


def words_of(tree: ast.AST) -> Iterator[str]:
    """Identifiers, imported names, and strings other than docstrings and keys of mappings."""
    silent = {id(node.slice) for node in ast.walk(tree) if isinstance(node, ast.Subscript)}
    silent |= {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.alias(name=name):
                yield from name.split(".")
            case ast.ImportFrom(module=str(module)):
                yield from module.split(".")
            case ast.Constant(value=str(text)) if id(node) not in silent:
                yield from re.findall(r"\w+", text)
            case ast.keyword(arg=str(name)):
                yield name


@pytest.mark.parametrize("path", OUTSIDE, ids=lambda path: str(path.relative_to(JOBS)))
def test_no_architecture_is_named_outside_its_folder_and_the_registry(path: Path) -> None:
    names = (set(get_args(Architecture)) - {LEARNING_RATE}) | NETWORKS | MODULES
    assert not names & set(words_of(ast.parse(path.read_text())))


def test_the_names_would_be_found() -> None:
    source = '"""dlrm"""\nif spec.architecture == "dcnv2" and isinstance(model, DIN):\n    pass'
    assert {"dcnv2", "DIN"} <= set(words_of(ast.parse(source)))
    assert "dlrm" not in set(words_of(ast.parse(source)))
    assert {"masknet", "MaskNet"} & set(words_of(ast.parse("import a.masknet.network")))


@pytest.mark.parametrize("entry", ARCHITECTURES.values(), ids=list(ARCHITECTURES))
def test_an_architecture_stands_in_one_folder(entry: Entry) -> None:
    home = Path(entry.network.__module__.replace(".", "/")).parent
    assert home.name in MODULES
    for part in (entry.groups, type(entry.network.shapes)):
        assert "model.architectures." in part.__module__
    assert issubclass(entry.groups, PrunableGroups)


def test_every_name_of_a_scenario_is_registered() -> None:
    assert set(ARCHITECTURES) == set(get_args(Architecture))
    assert set(packages.PARTS) <= set(ARCHITECTURES)
    assert len(MODULES) == len(ARCHITECTURES)
