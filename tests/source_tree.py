"""The project's own source as its rules see it: modules, imports, functions, public names."""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "jobs" / "secateur"
OURS = sorted(
    path for room in ("dags", "jobs", "plugins", "infra") for path in (PROJECT / room).rglob("*.py")
)

Graph = Mapping[str, set[str]]
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Defined:
    """A function or class where it is defined."""

    path: Path
    node: Function | ast.ClassDef

    @property
    def where(self) -> str:
        """As an editor takes it: file:line name."""
        return f"{self.path.relative_to(PROJECT)}:{self.node.lineno} {self.node.name}"


@cache
def tree_of(path: Path) -> ast.Module:
    """The parsed file, without the bodies of `if TYPE_CHECKING:`."""
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = [ast.Pass()]
    return tree


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function, unless for types only.

    `from secateur.a import b` yields `secateur.a` and `secateur.a.b`, whatever `b` is.
    """
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            if node.module.split(".")[0] == "secateur":
                yield from (f"{node.module}.{name.name}" for name in node.names)


def functions(paths: list[Path]) -> Iterator[Defined]:
    """Every function and method, nested ones too."""
    for path in paths:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, Function):
                yield Defined(path, node)


def public_names(paths: list[Path]) -> Iterator[Defined]:
    """Every public function and class at the top of a module."""
    for path in paths:
        for node in tree_of(path).body:
            if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
                yield Defined(path, node)


def module_name(path: Path) -> str:
    """`secateur.events.raw_files` of jobs/secateur/events/raw_files.py; a package by its folder."""
    parts = path.relative_to(PROJECT / "jobs").with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def module_graph() -> dict[str, set[str]]:
    """Module -> modules of the package that it imports; a package's own `__init__` is a module."""
    modules = {module_name(path): path for path in sorted(PACKAGE.rglob("*.py"))}
    return {
        name: {found for found in imports(path) if found in modules and found != name}
        - (_reexporting_parents(name) if path.name != "__init__.py" else set())
        for name, path in modules.items()
    }


def _reexporting_parents(module: str) -> set[str]:
    """A module's own packages, which Python imports before it whatever it says."""
    parts = module.split(".")
    return {".".join(parts[:i]) for i in range(1, len(parts))}


def folded(graph: Graph, folder: str) -> dict[str, set[str]]:
    """The graph among the children of a package: its sub-packages, and its own modules."""
    found: dict[str, set[str]] = defaultdict(set)
    depth = folder.count(".") + 2
    for module, used in graph.items():
        if module.startswith(f"{folder}.") and module.count(".") >= depth - 1:
            child = ".".join(module.split(".")[:depth])
            others = {".".join(m.split(".")[:depth]) for m in used if m.startswith(f"{folder}.")}
            found[child] |= others - {child}
    return dict(found)


def circles(graph: Graph) -> list[list[str]]:
    """Groups of nodes that reach each other (Tarjan, 1972); none in a graph that can be layered."""
    reach = {node: _reached(graph, node) for node in graph}
    groups = {
        tuple(sorted({node} | {other for other in reach[node] if node in reach.get(other, ())}))
        for node in graph
        if node in reach[node]
    }
    return sorted(list(group) for group in groups)


def _reached(graph: Graph, start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting.extend(graph.get(node, ()))
    return seen


def levels(graph: Graph) -> int:
    """How many floors a graph without circles needs, so that every import goes down."""

    @cache
    def floor(node: str) -> int:
        return 1 + max((floor(other) for other in graph.get(node, ()) if other in graph), default=0)

    return max(floor(node) for node in graph)


def own_lines(function: Function) -> int:
    """Lines of a function's body, docstring apart."""
    start = function.body[0].lineno
    if ast.get_docstring(function) is not None and len(function.body) > 1:
        start = function.body[1].lineno
    return (function.end_lineno or start) - start + 1


def whole_lines(function: Function) -> int:
    """Lines of a function from `def` to its last, docstring and all."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


ARRAYS = re.compile(r"\b(Tensor|NDArray|Floats|Integers|ndarray|Ragged|pa\.(Array|ChunkedArray))\b")
SHAPE = re.compile(r"\[[^\]]*\]|\bscalar\b|\bshape")


def handles_arrays(function: Function) -> bool:
    """Whether arrays or tensors stand in a function's signature."""
    arguments = [*function.args.args, *function.args.kwonlyargs]
    kinds = [one.annotation for one in arguments] + [function.returns]
    return any(kind is not None and ARRAYS.search(ast.unparse(kind)) for kind in kinds)


def states_a_shape(function: Function) -> bool:
    """Whether a docstring tells an array's shape: `[rows, dim]`, or that it is a scalar."""
    return SHAPE.search(ast.get_docstring(function) or "") is not None
