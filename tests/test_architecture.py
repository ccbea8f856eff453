"""The house rules, read from the source: who may import what, and the size of things."""

import ast
import statistics
import subprocess
from pathlib import Path

import pytest

from source_tree import (
    OURS,
    PACKAGE,
    PROJECT,
    circles,
    folded,
    functions,
    imports,
    levels,
    module_graph,
    own_lines,
)

VERBS = sorted((PROJECT / "jobs").glob("*.py"))

# The one room or module that may import each heavy library.
OWNERS = {
    "pyspark": {"spark", "events", "features", "validation"},
    "great_expectations": {"validation"},
    "torch": {"model", "pruning", "packaging"},
    "torch_pruning": {"pruning"},
    "safetensors": {"model", "pruning"},
    "onnx": {"onnx_graph"},
    "onnx_ir": {"onnx_graph"},
    "onnxruntime": {"serving", "packaging"},
    "boto3": {"storage"},
    "botocore": {"storage"},
    "cryptography": {"releases"},
    "jinja2": {"report"},
    "rich": {"command", "report"},
    "tqdm": {"display"},
    "pydantic": {"scenario", "section", "model"},
    "clevercsv": {"scenario"},
    "anyio": {"server"},
    "msgspec": {"server"},
    "starlette": {"server"},
    "uvicorn": {"server"},
    "prometheus_client": {"server"},
    "pandas": set(),
    "airflow": set(),
}

FOUNDATION = {
    "auc",
    "contracts",
    "storage",
    "artifacts",
    "code_digest",
    "kept_days",
    "local_days",
    "accepted",
    "identity",
    "encoding",
    "scenario",
    "section",
    "command",
    "flags",
    "display",
}
# Which rooms a room may use besides the foundation.
SIDEWAYS = {
    "events": {"spark"},
    "features": {"spark", "snapshot"},
    "validation": {"spark"},
    "pruning": {"model"},
    "packaging": {"model", "onnx_graph", "serving"},
    "judgement": {"serving"},
    "releases": {"serving", "snapshot"},
    "client": {"releases", "serving", "onboarding", "portable", "server"},
    "portable": {"onnx_graph", "releases", "serving"},
    "server": {"releases", "serving"},
    "onboarding": {"report"},
    "report": set(),
    # What a scenario says of the network is read where the network is.
    "scenario": {"model"},
    "model": {"onnx_graph"},
    "onnx_graph": set(),
    "serving": {"snapshot"},
    "snapshot": set(),
    "spark": set(),
}
DAG_MAY_IMPORT = {"airflow", "secateur_airflow"}
# What the client's wheel needs, imported by what services run.
CLIENT_LIBRARIES = {
    "numpy",
    "onnxruntime",
    "boto3",
    "botocore",
    "zstandard",
    "cryptography",
    "tqdm",
}
CLIENT_ROOMS = (
    "serving",
    "snapshot",
    "releases",
    "contracts",
    "client.py",
    "storage",
    "identity.py",
    "flags.py",
    "display",
    "encoding",
    "__init__.py",
)

PACKAGES = sorted(
    ".".join(path.parent.relative_to(PACKAGE.parent).parts) for path in PACKAGE.rglob("__init__.py")
)

STDLIB_NAMES = set(__import__("sys").stdlib_module_names)


def room_of(path: Path) -> str:
    """`events` of jobs/secateur/events/raw_rows.py, `spark` of jobs/secateur/spark.py."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


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


def test_a_scenario_reads_of_models_their_settings_alone() -> None:
    used = {
        module
        for path in (PACKAGE / "scenario").rglob("*.py")
        for module in imports(path)
        if module.startswith("secateur.model.") and module.rpartition(".")[2].islower()
    }
    assert used == {"secateur.model.training_settings"}


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


def test_no_module_imports_itself_by_a_detour() -> None:
    assert circles(module_graph()) == []


@pytest.mark.parametrize("folder", PACKAGES)
def test_between_the_parts_of_a_package_every_import_goes_down(folder: str) -> None:
    """A circle among sub-packages and modules of one folder is an arrow that runs back up."""
    assert circles(folded(module_graph(), folder)) == []


def test_the_wings_of_pruning_stand_on_few_floors() -> None:
    assert levels(folded(module_graph(), "secateur.pruning")) <= 6


def test_a_circle_is_found_where_one_is() -> None:
    graph = {"p.a.x": {"p.b.y"}, "p.b.z": {"p.a.w"}, "p.b.y": set(), "p.a.w": set()}
    assert circles(graph) == []
    assert circles(folded(graph, "p")) == [["p.a", "p.b"]]
    assert levels({"a": {"b"}, "b": {"c"}, "c": set()}) == 3


def test_modules_and_functions_are_small() -> None:
    lines = {path: len(path.read_text().splitlines()) for path in OURS}
    assert max(lines.values()) <= 300, max(lines, key=lambda p: lines[p])
    sizes = {one.where: own_lines(one.node) for one in functions(OURS)}
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
