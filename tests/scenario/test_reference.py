"""The reference page of a scenario's keys: current, complete, and true of the files at hand."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from secateur.contracts.candidates import Recipe, Step, Student
from secateur.scenario import SCENARIOS
from secateur.scenario.explaining.reference import reference_page
from secateur.section import Section

PAGE = Path(__file__).parents[2] / "infra" / "guides" / "scenario_reference.md"
ROW = re.compile(r"\| `(\w+)` \| (.*) \| (.*) \| (.*) \|")


def tables() -> dict[str, dict[str, tuple[str, str, str]]]:
    """The committed page: by heading, by key, its values, default and meaning."""
    found: dict[str, dict[str, tuple[str, str, str]]] = {}
    heading = ""
    for line in PAGE.read_text().splitlines():
        if line.startswith("#"):
            heading = line.strip("# `")
        elif row := ROW.fullmatch(line):
            key, *cells = row.groups()
            found.setdefault(heading, {})[key] = (cells[0], cells[1], cells[2])
    return found


def subclasses(section: type[Section]) -> Iterator[type[Section]]:
    for one in section.__subclasses__():
        yield one
        yield from subclasses(one)


def test_the_committed_page_is_current() -> None:
    remedy = "run: secateur scenario reference --output infra/guides/scenario_reference.md"
    assert PAGE.read_text() == reference_page(), remedy


@pytest.mark.parametrize("section", sorted(subclasses(Section), key=lambda s: s.__name__))
def test_every_key_says_what_it_means(section: type[Section]) -> None:
    silent = [name for name, key in section.model_fields.items() if not key.description]
    assert not silent


def test_the_page_has_every_key_of_every_section_and_recipe() -> None:
    keys = {key for table in tables().values() for key in table}
    wanted = {name for section in subclasses(Section) for name in section.model_fields}
    wanted |= {field.name for noun in (Recipe, Step, Student) for field in fields(noun)}
    assert keys == wanted
    assert len(keys) > 100


@pytest.mark.parametrize(
    ("heading", "key", "values", "default"),
    [
        ("[judgement]", "margin", "number, above -1, below 1", "**required**"),
        ("[judgement]", "confidence", "number, above 0.5, at most 0.9999", "`0.95`"),
        ("[logs]", "layout", "`day`, `hour`, `flat`", '`"day"`'),
        ("[logs]", "last_day", "text", ""),
        ("[[features.fields]]", "buckets", "whole number, at least 2, at most 255", "`16`"),
        ('[label], kind = "event_type"', "positive", "list of text, at least 1", "**required**"),
        ("[[candidates.steps]]", "rounds", "whole number", "`1`"),
        ("[training]", "hidden", "list of whole number, above 0", "`[400, 400, 400]`"),
        ("[validation]", "label_rate", "[number, 0 to 1; number, 0 to 1]", "`[0.0, 1.0]`"),
    ],
)
def test_values_and_defaults_are_those_of_the_models(
    heading: str, key: str, values: str, default: str
) -> None:
    assert tables()[heading][key][:2] == (values, default)


def keys_of(table: dict[str, Any], path: str) -> Iterator[tuple[str, str]]:
    """Every key of a TOML file with the heading it stands under."""
    for key, value in table.items():
        yield path, key
        below = f"{path.strip('[]').partition(']')[0]}.{key}".strip(".")
        if isinstance(value, dict) and below not in BY_NAME:
            yield from keys_of(value, f"[{below}]")
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            for one in value:
                yield from keys_of(one, f"[[{below}]]")


BY_NAME = {
    *(
        "logs.expressions",
        "label.aligned",
        "cleaning.missing",
        "label.tasks",
        "training.task_weights",
    ),
    "judgement.max_request_us",
    *("validation.max_missing_rate", "validation.max_oov_rate"),
    *("validation.drift.categories", "validation.drift.numbers"),
}


@pytest.mark.parametrize("file", sorted(SCENARIOS.glob("*.toml")), ids=lambda f: f.stem)
def test_what_a_scenario_file_says_is_found_where_it_stands(file: Path) -> None:
    page = tables()
    data = tomllib.loads(file.read_text())
    kind = data["label"].get("kind", "column")
    page["[label]"] = page[f'[label], kind = "{kind}"']
    page[""] = page["The file itself"]
    missing = [(path, key) for path, key in keys_of(data, "") if key not in page[path]]
    assert not missing
