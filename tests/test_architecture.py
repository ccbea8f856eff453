"""The house rules, read from the source: who may import what, and the size of things."""

import ast
import statistics
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
PACKAGE = PROJECT / "jobs" / "secateur"
VERBS = sorted((PROJECT / "jobs").glob("*.py"))
OURS = sorted(
    path for room in ("dags", "jobs", "plugins", "infra") for path in (PROJECT / room).rglob("*.py")
)

# The one room or module that may import each heavy library.
OWNERS = {
    "pyspark": {"spark", "events", "features", "validation"},
    "great_expectations": {"validation"},
    "torch": {"model", "pruning", "packaging"},
    "torch_pruning": {"pruning"},
    "safetensors": {"model", "pruning"},
    "onnx": {"packaging"},
    "onnxruntime": {"serving", "packaging"},
    "boto3": {"storage"},
    "botocore": {"storage"},
    "cryptography": {"releases"},
    "matplotlib": {"report"},
    "jinja2": {"report"},
    "rich": {"command", "report"},
    "pydantic": {"scenario"},
    "pandas": set(),
    "airflow": set(),
}

FOUNDATION = {
    "contracts",
    "storage",
    "artifacts",
    "accepted",
    "identity",
    "values",
    "scenario",
    "command",
    "flags",
}
# Which rooms a room may use beside the foundation.
SIDEWAYS = {
    "events": {"spark"},
    "features": {"spark"},
    "validation": {"spark"},
    "pruning": {"model"},
    "packaging": {"model", "serving"},
    "judgement": {"serving"},
    "releases": {"serving"},
    "client": {"releases", "serving"},
    "report": set(),
    "model": set(),
    "serving": set(),
    "spark": set(),
}
DAG_MAY_IMPORT = {"airflow", "secateur_airflow"}
# What the client's wheel needs, imported by what services run.
CLIENT_LIBRARIES = {"numpy", "onnxruntime", "boto3", "botocore", "zstandard", "cryptography"}
CLIENT_ROOMS = (
    "serving",
    "releases",
    "contracts",
    "client.py",
    "storage",
    "identity.py",
    "flags.py",
    "values.py",
    "__init__.py",
)

STDLIB_NAMES = set(__import__("sys").stdlib_module_names)


def imports(path: Path) -> Iterator[str]:
    """Every module that a file imports, at its top or inside a function, unless for types only."""
    for node in ast.walk(without_type_checking(ast.parse(path.read_text()))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            if node.module == "secateur":
                yield from (f"secateur.{name.name}" for name in node.names)


def without_type_checking(tree: ast.AST) -> ast.AST:
    """Drop the bodies of `if TYPE_CHECKING:`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            node.body = []
    return tree


def room_of(path: Path) -> str:
    """`events` of jobs/secateur/events/reading.py, `storage` of jobs/secateur/storage.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def functions(path: Path) -> Iterator[tuple[str, int]]:
    """Every function of a file with its lines, docstring and decorators apart."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            start = node.body[0].lineno
            documented = ast.get_docstring(node) is not None
            if documented and len(node.body) > 1:
                start = node.body[1].lineno
            yield node.name, (node.end_lineno or start) - start + 1


def test_there_is_something_to_check() -> None:
    assert len(OURS) > 40
    assert len(VERBS) >= 11


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.name))
def test_a_heavy_library_is_imported_by_its_owner_only(path: Path) -> None:
    for module in imports(path):
        library = module.split(".")[0]
        if library in OWNERS:
            assert room_of(path) in OWNERS[library], f"{path.name} imports {module}"


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.name))
def test_rooms_depend_on_the_foundation_and_their_named_neighbours(path: Path) -> None:
    room = room_of(path)
    used = {m.split(".")[1] for m in imports(path) if m.startswith("secateur.")}
    if room == "__init__":
        return
    if room == "contracts":
        assert used <= {"contracts"}
        return
    allowed = FOUNDATION | {room} | SIDEWAYS.get(room, set())
    assert used <= allowed, f"{path.relative_to(PACKAGE)} reaches into {sorted(used - allowed)}"


@pytest.mark.parametrize("path", VERBS, ids=lambda p: p.stem)
def test_a_verb_is_glue_with_a_docstring_and_imports_no_verb(path: Path) -> None:
    tree = ast.parse(path.read_text())
    assert ast.get_docstring(tree), "the docstring is the --help"
    assert len(path.read_text().splitlines()) <= 70
    assert not {m.split(".")[0] for m in imports(path)} & {v.stem for v in VERBS}
    names = {n.name for n in tree.body if isinstance(n, ast.FunctionDef)}
    assert path.stem in names, "the function is named as the verb"


@pytest.mark.parametrize("path", sorted((PROJECT / "dags").glob("*.py")), ids=lambda p: p.stem)
def test_a_dag_file_needs_airflow_and_nothing_else(path: Path) -> None:
    found = {m.split(".")[0] for m in imports(path)} - STDLIB_NAMES
    assert found <= DAG_MAY_IMPORT
    assert found


def test_jobs_never_import_airflow_or_plugins() -> None:
    for path in (PROJECT / "jobs").rglob("*.py"):
        assert not {m.split(".")[0] for m in imports(path)} & {"airflow", "secateur_airflow"}, path


def test_the_client_needs_its_own_dependencies_only() -> None:
    for name in CLIENT_ROOMS:
        root = PACKAGE / name
        for path in [root] if root.is_file() else sorted(root.rglob("*.py")):
            outside = {m.split(".")[0] for m in imports(path)} - STDLIB_NAMES - {"secateur"}
            assert outside <= CLIENT_LIBRARIES, f"{path.name}: {outside - CLIENT_LIBRARIES}"


def test_modules_and_functions_are_small() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in OURS}
    assert max(lines.values()) <= 300, max(lines, key=lambda p: lines[p])
    sizes = {f"{p.name}:{name}": size for p in OURS for name, size in functions(p)}
    longest = max(sizes, key=lambda name: sizes[name])
    assert sizes[longest] <= 70, longest
    assert statistics.median(sizes.values()) <= 12


def test_names_say_something() -> None:
    vague = {"utils", "util", "helpers", "helper", "common", "misc", "manager"}
    assert not [path for path in OURS if vague & {part.removesuffix(".py") for part in path.parts}]


def test_the_top_level_is_what_the_plan_names() -> None:
    tracked = subprocess.run(
        ["git", "ls-tree", "--name-only", "HEAD"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    if tracked.returncode:
        pytest.skip("not a git checkout")
    planned = {
        "dags",
        "jobs",
        "plugins",
        "tests",
        "infra",
        "requirements.txt",
        "README.md",
        "pyproject.toml",
        "Makefile",
        "LICENSE",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
    }
    found = {name for name in tracked.stdout.split() if not name.startswith(".")}
    assert found <= planned
