"""The guide to pruning lists the criteria that there are, and its sections are ones that hold."""

import re
import tomllib
from typing import Any

import pytest

from secateur.contracts.candidates import Recipe
from secateur.pruning.importance.criteria import CRITERIA
from secateur.scenario.sections.repruning import Repruning
from secateur.scenario.sections.search import Search

from .pages import GUIDES

PAGE = (GUIDES / "prune.md").read_text()
ROW = re.compile(r"^\| `(\w+)` \| (.*) \|$", re.MULTILINE)


def test_the_table_of_criteria_is_that_of_the_code() -> None:
    told = {row[1]: re.findall(r"`(\w+)`", row[2]) for row in ROW.finditer(PAGE)}
    assert told == {granularity: [*known] for granularity, known in CRITERIA.items()}


def indented(heading: str) -> dict[str, Any]:
    """The TOML that stands indented below a heading of the page."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("    ")]
    return tomllib.loads("\n".join(line.removeprefix("    ") for line in lines))


@pytest.mark.parametrize(
    ("heading", "key", "model"),
    [("A search", "search", Search), ("The same cuts every night", "repruning", Repruning)],
)
def test_an_example_is_a_section_that_holds(heading: str, key: str, model: Any) -> None:
    assert model.model_validate(indented(heading)[key])


def test_the_recipe_of_the_page_is_one() -> None:
    from pydantic import TypeAdapter

    (recipe,) = indented("A recipe")["candidates"]
    assert TypeAdapter(Recipe).validate_python(recipe).name == "small"
    granularities = [step["granularity"] for step in recipe["steps"]]
    assert all(step["criterion"] in CRITERIA[step["granularity"]] for step in recipe["steps"])
    assert len(set(granularities)) == 5
