"""What a docstring or a comment says to see is there: a module, or a name of today."""

import ast
import re
from pathlib import Path

import pytest

from .pages import PROJECT

PACKAGE = PROJECT / "jobs" / "secateur"
MODULES = sorted(PACKAGE.rglob("*.py"))
SEEN = re.compile(r"\b(?:[Ss]ee|As|as in|[Rr]ows of)\s+`([\w.]+)`(?: and `([\w.]+)`)?")


def defined(tree: ast.AST) -> set[str]:
    """Names of functions, classes and constants, and of what they are made of."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
    return found


PLACES = {path.stem for path in MODULES} | {path.parent.name for path in MODULES}
KNOWN = PLACES.union(*(defined(ast.parse(path.read_text())) for path in MODULES))


def lost(source: str) -> list[str]:
    """What is to be seen and is nowhere: of a dotted name, any part."""
    seen = [name for found in SEEN.findall(source) for name in found if name]
    own = {node.arg for node in ast.walk(ast.parse(source)) if isinstance(node, ast.arg)}
    return [name for name in seen if not set(name.split(".")) <= KNOWN | own]


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_what_is_to_be_seen_exists(path: Path) -> None:
    assert lost(path.read_text()) == []


def test_a_name_of_the_past_would_be_found() -> None:
    assert lost('"""As `counting.outcomes` (see `daily_counts`)."""') == ["counting.outcomes"]
