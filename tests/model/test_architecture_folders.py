"""An architecture is known in its folder and to the registry, and nowhere else."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest

from secateur.model.architectures import packages
from secateur.model.architectures.network_settings import (
    SHAPES,
    Architecture,
    NetworkSettings,
    SharedSettings,
)
from secateur.model.architectures.prunable_groups import PrunableGroups
from secateur.model.architectures.registry import ARCHITECTURES, Entry

JOBS = Path(__file__).parents[2] / "jobs"
FOLDERS = JOBS / "secateur" / "model" / "architectures"
REGISTRY = {FOLDERS / name for name in ("network_settings.py", "registry.py", "packages.py")}
# The drafted scenario says which network it is for.
DRAFT = JOBS / "secateur" / "scenario" / "drafting" / "draft_sections.py"
OUTSIDE = sorted(
    path
    for path in JOBS.rglob("*.py")
    if path not in REGISTRY | {DRAFT} and not (FOLDERS in path.parents and path.parent != FOLDERS)
)
NETWORKS = {entry.network.__name__ for entry in ARCHITECTURES.values()}
MODULES = {folder.parent.name for folder in FOLDERS.glob("*/network.py")}
# What a scenario says of some architectures only.
OWN_KEYS = set(NetworkSettings.model_fields) - set(SharedSettings.model_fields)
# Words of something else, too: torch's for a learning rate, a box's edge, a column's likely name.
OTHERWISE = {"lr", "bottom", "interaction"}


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
    names = (set(ARCHITECTURES) | NETWORKS | MODULES | OWN_KEYS) - OTHERWISE
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


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_a_scenario_is_held_to_the_shapes_that_the_network_has(name: str) -> None:
    assert type(SHAPES[name]) is type(ARCHITECTURES[name].network.shapes)


def test_a_scenario_is_checked_without_torch() -> None:
    code = "import secateur.scenario, sys; sys.exit('torch' in sys.modules)"
    environment = {"PYTHONPATH": str(JOBS), "PATH": ""}
    assert (
        subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0
    )


def test_every_name_of_a_scenario_is_registered() -> None:
    assert [*ARCHITECTURES] == [*SHAPES] == [*get_args(Architecture)]
    assert set(packages.PARTS) <= set(ARCHITECTURES)
    assert len(MODULES) == len(ARCHITECTURES)
