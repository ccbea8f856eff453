"""The guides as the tests read them: their blocks of code, by language, and their links."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

PROJECT = Path(__file__).parents[2]
GUIDES = PROJECT / "infra" / "guides"

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^#+ (.*)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


class Block(NamedTuple):
    """A block of code below a heading of its page."""

    heading: str
    language: str
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Every fenced block of a page, in order."""
    text = page.read_text()
    fenced = [(match.start(), match.end()) for match in _BLOCK.finditer(text)]
    headings = [
        match
        for match in _HEADING.finditer(text)
        if not any(start < match.start() < end for start, end in fenced)
    ]
    for match in _BLOCK.finditer(text):
        above = [heading[1] for heading in headings if heading.start() < match.start()]
        yield Block(above[-1], match[1], match[2])


def prose(page: Path) -> str:
    """A page without its fenced blocks."""
    return _BLOCK.sub("", page.read_text())


def links(page: Path) -> list[str]:
    """Where its links lead."""
    return _LINK.findall(prose(page))
