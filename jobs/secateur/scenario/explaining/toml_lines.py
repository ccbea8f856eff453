"""On which line of a TOML file each key stands: what `tomllib` does not tell.

The text is known to be valid TOML 1.0 (https://toml.io/en/v1.0.0), so only its shape is read.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

KeyPath = tuple[str | int, ...]

_TOKEN = re.compile(
    r'(?P<text>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'[\s\S]*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\')'
    r"|(?P<skip>\#[^\n]*|[ \t\r]+)"
    r"|(?P<mark>[\[\]{},=.\n])"
    r"|(?P<bare>[^\s\[\]{},=.\"'#]+)",
    re.DOTALL,
)


class _Token(NamedTuple):
    text: str
    line: int


def lines_of(text: str) -> dict[KeyPath, int]:
    """The line (from 1) of every key, table and array element of a valid TOML document.

    An array of tables has an index in its path: `("candidates", 0, "name")`.
    """
    return _Reader(_tokens(text)).read()


def line_of(path: KeyPath, lines: Mapping[KeyPath, int]) -> int | None:
    """The line of the innermost part of `path` that the document has; None where it has none."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def _tokens(text: str) -> list[_Token]:
    line, found = 1, []
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "skip":
            found.append(_Token(match.group(), line))
        line += match.group().count("\n")
    return [*found, _Token("\n", line)]


def _plain(key: str) -> str:
    """A bare or quoted key as its name."""
    if key[0] not in "\"'":
        return key
    return str(tomllib.loads(f"key = {key}")["key"])


class _Reader:
    """Walks the tokens once, statement by statement."""

    def __init__(self, tokens: Sequence[_Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self.tables: dict[KeyPath, int] = {}  # how many tables each array of tables has so far

    def read(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        while self.at < len(self.tokens):
            if self._skip("\n"):
                continue
            if self._next("["):
                table = self._header()
            else:
                self._pair(table)
        return self.lines

    def _header(self) -> KeyPath:
        line = self.tokens[self.at].line
        self._skip("[")
        many = self._skip("[")
        keys = self._keys()
        self._skip("]")
        self._skip("]")
        path: KeyPath = ()
        for key in keys[:-1]:
            path = self._latest((*path, key))
        path = (*path, keys[-1])
        if many:
            self.tables[path] = self.tables.get(path, 0) + 1
            self._note(path, line)
        path = self._latest(path)
        self._note(path, line)
        return path

    def _latest(self, path: KeyPath) -> KeyPath:
        return (*path, self.tables[path] - 1) if path in self.tables else path

    def _pair(self, table: KeyPath) -> None:
        line = self.tokens[self.at].line
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, line)
        self._skip("=")
        self._value(path)

    def _keys(self) -> list[str]:
        keys = [_plain(self._take())]
        while self._skip("."):
            keys.append(_plain(self._take()))
        return keys

    def _value(self, path: KeyPath) -> None:
        if self._skip("["):
            self._array(path)
        elif self._skip("{"):
            while not self._skip("}"):
                if not self._skip(","):
                    self._pair(path)
        else:  # a number or a time has dots, a time may hold a blank
            while self.tokens[self.at].text not in (",", "]", "}", "\n"):
                self.at += 1

    def _array(self, path: KeyPath) -> None:
        index = 0
        while not self._skip("]"):
            if self._skip("\n"):
                continue
            if self._skip(","):
                index += 1
                continue
            self._note((*path, index), self.tokens[self.at].line)
            self._value((*path, index))

    def _note(self, path: KeyPath, line: int) -> None:
        self.lines.setdefault(path, line)

    def _next(self, mark: str) -> bool:
        return self.at < len(self.tokens) and self.tokens[self.at].text == mark

    def _skip(self, mark: str) -> bool:
        found = self._next(mark)
        self.at += found
        return found

    def _take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1].text
