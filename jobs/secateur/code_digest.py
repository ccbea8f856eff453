"""The digest of a verb's code: of its own file and of every module of ours that it imports.

It stands in every seal and in every key of what is kept between nights. A change in a module that
the verb imports throws away what it kept; a change anywhere else does not. The imports are read
from the source, so the digest knows no order of execution: those within functions count too, those
for type checkers do not.
"""

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

JOBS = Path(__file__).parents[1]


# The verbs whose work reaches a release.
NIGHT = (
    "clean_events",
    "validate_events",
    "build_features",
    "validate_features",
    "train_model",
    "plan_candidates",
    "prune_model",
    "evaluate_package",
    "judge_candidates",
    "publish_release",
)


@cache
def night_code(jobs: Path = JOBS) -> str:
    """Hex sha256 over the files of all verbs whose work reaches a release."""
    return _digest_of(_files_run_by([jobs / f"{verb}.py" for verb in NIGHT], jobs), jobs)


@cache
def code_digest(verb: str, jobs: Path = JOBS) -> str:
    """Hex sha256 over the files of `code_files`, their names included."""
    return _digest_of(code_files(verb, jobs), jobs)


def _digest_of(files: Iterable[Path], jobs: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(files):
        total.update(path.relative_to(jobs).as_posix().encode() + b"\0" + path.read_bytes())
    return total.hexdigest()


def code_files(verb: str, jobs: Path = JOBS) -> list[Path]:
    """The verb `<jobs>/<verb>.py`, the modules below `jobs` that it imports, and their data.

    Importing a module runs the `__init__.py` of every package above it. The data of a package are
    its files that are no Python, such as templates and style sheets: whoever imports one of the
    package's modules may read them.
    """
    return _files_run_by([jobs / f"{verb}.py"], jobs)


def _files_run_by(waiting: list[Path], jobs: Path) -> list[Path]:
    found: set[Path] = set()
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            names = _imported_names(ast.parse(path.read_text()), path.name == "__init__.py")
            waiting += [file for name in names for file in _module_files(name, jobs)]
    packages = {path.parent for path in found if path.name == "__init__.py"}
    return sorted(found | {file for package in packages for file in _data_files(package)})


def _imported_names(tree: ast.AST, of_package: bool) -> Iterator[str]:
    """Dotted names of all that a module may import; `a.b.c` of `from a.b import c` too.

    What an `__init__.py` imports within a function is left out: `secateur.pull` and `secateur.load`
    import the client when somebody asks for them, and no verb does.
    """
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ValueError(f"line {node.lineno}: a relative import, which ours are not")
            yield str(node.module)
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
            yield from _imported_names(ast.Module(node.orelse, []), of_package)
        elif not (of_package and isinstance(node, ast.FunctionDef)):
            yield from _imported_names(node, of_package)


def _module_files(name: str, jobs: Path) -> Iterator[Path]:
    """The files that importing `name` runs, where they lie below `jobs`."""
    parts = name.split(".")
    for length in range(1, len(parts) + 1):
        base = jobs.joinpath(*parts[:length])
        for path in (base / "__init__.py", base.with_suffix(".py")):
            if path.is_file():
                yield path


def _data_files(folder: Path) -> Iterator[Path]:
    """Files of a package, and of its folders that are no packages, that are no Python."""
    for path in folder.iterdir():
        if path.is_dir() and path.name != "__pycache__" and not (path / "__init__.py").exists():
            yield from _data_files(path)
        elif path.is_file() and path.suffix != ".py" and not path.name.startswith("."):
            yield path
