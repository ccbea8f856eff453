"""The glossary: every term once, with a meaning, and a place in the code that exists."""

import re
from typing import NamedTuple

import pytest

from .pages import GUIDES, PROJECT

PAGE = GUIDES / "glossary.md"
PACKAGE = PROJECT / "jobs" / "secateur"
ROW = re.compile(r"\| ([^|]+) \| ([^|]+) \| `([^`|]+)` \|")


class Term(NamedTuple):
    term: str
    meaning: str
    place: str


TERMS = [
    Term(*row.groups()) for line in PAGE.read_text().splitlines() if (row := ROW.fullmatch(line))
]


def test_no_row_is_left_out_by_its_form() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    assert len(TERMS) == len(rows) - rows.count("| term | meaning | where |")
    assert len(TERMS) > 80


def test_a_term_has_one_meaning() -> None:
    terms = [one.term.lower() for one in TERMS]
    assert sorted({term for term in terms if terms.count(term) > 1}) == []


@pytest.mark.parametrize("term", TERMS, ids=lambda one: one.term)
def test_its_place_exists(term: Term) -> None:
    assert (PROJECT / term.place).is_file() or (PACKAGE / term.place).is_file(), term.place


def test_the_words_of_before_are_not_used_by_the_guides() -> None:
    """The terms that these replaced would send a reader searching in vain."""
    gone = ("workshop", "dish", "menu", "rung", "surgery", "watching", "furnish")
    text = "\n".join(page.read_text().lower() for page in GUIDES.glob("*.md"))
    assert [word for word in gone if re.search(rf"\b{word}\b", text)] == []
