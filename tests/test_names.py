"""Names and docstrings: one word means one thing, and arrays have shapes."""

import ast
import re
import statistics
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from secateur.scenario.raw_log.column_names import INTERNAL
from source_tree import (
    OURS,
    PACKAGE,
    PROJECT,
    Function,
    functions,
    handles_arrays,
    public_names,
    states_a_shape,
    whole_lines,
)

ROOMS = [path for path in OURS if PACKAGE in path.parents]

# Verbs that end like participles.
VERBS = {"embed", "feed", "need", "seed", "speed", "bring"}
# Past participles that end otherwise.
IRREGULAR = re.compile(
    "begun|bound|built|caught|chosen|dealt|done|drawn|driven|fed|felt|found|given|gone|grown|heard|"
    "held|kept|known|laid|left|lent|lost|made|meant|met|paid|said|seen|sent|shown|shut|sold|spent|"
    "spoken|spun|stood|taken|taught|thought|thrown|told|understood|won|worn|written"
)
# Imperatives and standard nouns that look like participles.
STANDARD = {"cut", "put", "read", "set", "spelling", "split"}

# File names that several rooms share because they hold the same thing of each.
SHARED_FILES = {
    "layout.py": "where the files of a store or of a Package lie",
    "network.py": "an architecture's torch module",
    "package.py": "what an architecture gives to a Package, and what the client reads of one",
    "prunable_groups.py": "which units of an architecture can be pruned together",
    "spec.py": "an architecture's part of the model's spec",
}


def is_bare_participle(name: str) -> bool:
    """`heard`, `_shuffled`, `counting`; not `shuffled_rows` and not `embed`."""
    word = name.strip("_")
    if name.startswith("__") or "_" in word or word in VERBS | STANDARD:
        return False
    return re.fullmatch(rf"{IRREGULAR.pattern}|[a-z]+(ed|ing)", word) is not None


@pytest.mark.parametrize("name", ["heard", "shuffled", "_kept", "counting", "taught"])
def test_a_participle_is_recognised(name: str) -> None:
    assert is_bare_participle(name)


@pytest.mark.parametrize("name", ["embed", "read", "shuffled_rows", "split", "count"])
def test_a_verb_is_no_participle(name: str) -> None:
    assert not is_bare_participle(name)


def test_no_function_is_named_by_a_bare_participle() -> None:
    assert [one.where for one in functions(OURS) if is_bare_participle(one.node.name)] == []


def test_no_two_public_names_of_different_meaning_are_spelled_alike() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for one in public_names(ROOMS):
        if "architectures" not in one.path.parts:  # its parts have the same names in each folder
            places[one.node.name].append(one.where)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_two_rooms_hold_files_of_one_name_that_mean_different_things() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in ROOMS:
        if path.name != "__init__.py":
            places[path.name].append(path.relative_to(PACKAGE).parent.as_posix())
    twice = {name: found for name, found in places.items() if len(found) > 1}
    # A table of the scenario and a noun are named as the room that they are of.
    nouns = {"contracts", "scenario/sections"}
    odd = {n: f for n, f in twice.items() if n not in SHARED_FILES and len(set(f) - nouns) > 1}
    assert odd == {}
    assert set(SHARED_FILES) <= set(twice), "a name that is not shared needs no exception"


def test_a_folder_holds_at_most_a_dozen_modules() -> None:
    counts: dict[str, int] = defaultdict(int)
    for path in OURS:
        if path.name != "__init__.py" and path.parent != PROJECT / "jobs":  # one file a verb
            counts[path.parent.relative_to(PROJECT).as_posix()] += 1
    assert {folder: n for folder, n in counts.items() if n > 12} == {}


def test_functions_have_a_readable_length() -> None:
    sizes = [whole_lines(one.node) for one in functions(ROOMS)]
    assert 7 <= statistics.median(sizes) <= 12


def test_everything_is_typed() -> None:
    assert [one.where for one in functions(OURS) if not _is_typed(one.node)] == []


def test_a_docstring_of_arrays_states_their_shapes() -> None:
    found = [
        one
        for one in functions(OURS)
        if handles_arrays(one.node) and ast.get_docstring(one.node) is not None
    ]
    without = [one.where for one in found if not states_a_shape(one.node)]
    assert len(without) <= 0.05 * len(found), "\n".join(without)


def test_a_public_function_of_arrays_has_a_docstring() -> None:
    public = [one for one in public_names(ROOMS) if isinstance(one.node, Function)]
    mute = [one for one in public if ast.get_docstring(one.node) is None]
    assert [one.where for one in mute if handles_arrays(one.node)] == []


# A column of Spark's own, and how keys of Great Expectations end.
NOT_OURS = {"_metadata", "_count"}


def test_no_frame_has_a_column_of_ours_that_a_log_may_have_too() -> None:
    """A log may have columns `_events` and `_last`: ours begin with `INTERNAL`."""
    of_spark = [path for path in ROOMS if "from pyspark.sql import" in path.read_text()]
    assert len(of_spark) > 20
    assert [f"{path.name}: {name}" for path in of_spark for name in _underscored(path)] == []


def _underscored(path: Path) -> Iterator[str]:
    """The texts of a module that may name such a column, or begin its name."""
    tree = ast.parse(path.read_text())
    parts = [
        part
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values[1:]
    ]
    for node in ast.walk(tree):
        text = node.value if isinstance(node, ast.Constant) and node not in parts else None
        is_name = isinstance(text, str) and re.fullmatch("_[a-z][a-z_]*", text)
        if is_name and not str(text).startswith(INTERNAL) and text not in NOT_OURS:
            yield str(text)


def test_a_function_takes_few_arguments() -> None:
    assert [one.where for one in functions(OURS) if _arguments(one.node) > 6] == []


def _arguments(function: Function) -> int:
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return len([one for one in named if one.arg not in ("self", "cls")])


def _is_typed(function: Function) -> bool:
    named = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    told = all(one.annotation for one in named if one.arg not in ("self", "cls"))
    return told and (function.returns is not None or function.name == "__init__")
