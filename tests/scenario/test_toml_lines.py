"""On which line a key stands: against documents of known lines, and against the real scenarios."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from secateur.scenario import SCENARIOS
from secateur.scenario.explaining.toml_lines import KeyPath, line_of, lines_of

DOCUMENT = '''\
top = 1 # = [not] a {table}
"quoted key" = 'a # b'
dotted.inner = 2024-01-01 10:00:00.5

[table.below]
text = """
[no.table]
x = 1
"""
array = [ # first
    1.5, [2, 3],
    { a = 1, b = { c = 2 } },
]

[[many]]
name = "]"
[[many.inner]]
x = 1
[[many.inner]]
x = -2e3
[many.sub]
y = true
[[many]]
[[many.inner]]
x = \'\'\'
\'\'\'
after = 1
'''

LINES: dict[KeyPath, int] = {
    ("top",): 1,
    ("quoted key",): 2,
    ("dotted", "inner"): 3,
    ("table", "below"): 5,
    ("table", "below", "text"): 6,
    ("table", "below", "array"): 10,
    ("table", "below", "array", 0): 11,
    ("table", "below", "array", 1, 1): 11,
    ("table", "below", "array", 2, "b", "c"): 12,
    ("many", 0): 15,
    ("many", 0, "name"): 16,
    ("many", 0, "inner", 0, "x"): 18,
    ("many", 0, "inner", 1): 19,
    ("many", 0, "inner", 1, "x"): 20,
    ("many", 0, "sub", "y"): 22,
    ("many", 1): 23,
    ("many", 1, "inner", 0, "x"): 25,
    ("many", 1, "inner", 0, "after"): 27,
}


def leaves(value: Any, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Any]]:
    """Every value of a document with its path, as tomllib reads it."""
    parts = value.items() if isinstance(value, dict) else enumerate(value)
    for key, part in parts:
        if isinstance(part, dict | list) and part:
            yield from leaves(part, (*path, key))
        else:
            yield (*path, key), part


@pytest.mark.parametrize("path", LINES, ids=str)
def test_a_key_is_found_on_its_line(path: KeyPath) -> None:
    assert lines_of(DOCUMENT)[path] == LINES[path]


def test_what_tomllib_reads_has_a_line_and_nothing_else_has() -> None:
    paths = {path for path, _ in leaves(tomllib.loads(DOCUMENT))}
    found = lines_of(DOCUMENT)
    assert paths <= set(found)
    assert all(any(leaf[: len(path)] == path for leaf in paths) for path in found)


def test_a_path_that_is_not_there_has_the_line_of_what_is_around_it() -> None:
    lines = lines_of(DOCUMENT)
    assert line_of(("many", 1, "inner", 0, "missing"), lines) == 24
    assert line_of(("table", "below", "array", 2, "b", "d"), lines) == 12
    assert line_of(("absent", "x"), lines) is None


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.toml")))
def test_every_value_of_a_real_scenario_is_on_the_line_that_spells_it(name: str) -> None:
    text = (SCENARIOS / f"{name}.toml").read_text()
    rows, lines = text.splitlines(), lines_of(text)
    found = list(leaves(tomllib.loads(text)))
    assert len(found) > 100
    for path, value in found:
        row = rows[lines[path] - 1]
        key = next(part for part in reversed(path) if isinstance(part, str))
        assert key in row or isinstance(path[-1], int)
        if isinstance(value, str):
            assert value in row
