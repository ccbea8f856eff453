"""From a scenario file and overrides to a checked Scenario."""

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from secateur.contracts.errors import ScenarioError
from secateur.scenario.cross_section_rules import disagreements
from secateur.scenario.explaining.mistakes import Mistake, mistakes_of, spell
from secateur.scenario.explaining.toml_lines import KeyPath, line_of, lines_of
from secateur.scenario.sections.scenario import Scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
PROJECT = Path(__file__).parents[3]

_POSITION = re.compile(r" \(at (?:line (?P<line>\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Source:
    """A scenario as it was written: its file, its values, and where each of them stands."""

    name: str
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]
    overrides: Mapping[KeyPath, str] = field(default_factory=dict)

    def report(self, mistakes: Iterable[Mistake]) -> list[str]:
        """A line a mistake, in the order of the file."""
        ordered = sorted(mistakes, key=lambda m: line_of(m.path, self.lines) or 0)
        return [self._locate(mistake) for mistake in ordered]

    def _locate(self, mistake: Mistake) -> str:
        """The mistake behind its file and line, or behind the override that made it."""
        key = f"{spell(mistake.path)}: " if mistake.path else ""
        return f"{self._place(mistake.path)}: {key}{mistake.message}"

    def _place(self, path: KeyPath) -> str:
        for length in range(len(path), 0, -1):
            if path[:length] in self.overrides:
                return f"--set {self.overrides[path[:length]]}"
        line = line_of(path, self.lines)
        return self.name if line is None else f"{self.name}:{line}"


def load(name_or_path: str, overrides: Sequence[str] = ()) -> Scenario:
    """Read a scenario and apply overrides `section.key=value` (the value is TOML, or a bare word).

    Raises ScenarioError with a line a mistake: the file, the line, the key, and what is wrong.
    """
    source = read(name_or_path, overrides)
    made, mistakes = parse(source.data)
    if made is None or mistakes:
        raise ScenarioError("\n".join(source.report(mistakes)))
    return made


def read(name_or_path: str, overrides: Sequence[str] = ()) -> Source:
    """Read the file and apply the overrides. Raises ScenarioError where it is no TOML."""
    path = _find(name_or_path)
    name = name_or_path if path == Path(name_or_path) else path.name
    try:
        text = path.read_text()
        data = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{name}: not TOML: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise ScenarioError(_syntax(name, str(error), text)) from error
    written = {_apply(data, override): override for override in overrides}
    return Source(name, data, lines_of(text), written)


def parse(data: Mapping[str, Any]) -> tuple[Scenario | None, list[Mistake]]:
    """The scenario, if its sections hold; and every mistake in them or between them."""
    found = disagreements(data)
    try:
        return Scenario.model_validate(data), found
    except ValidationError as error:
        # What a rule found already, the whole scenario finds again, at no place of its own.
        own = mistakes_of(error, Scenario)
        return None, [one for one in own if one.path or not found] + found


def _find(name_or_path: str) -> Path:
    for path in (Path(name_or_path), SCENARIOS / f"{name_or_path}.toml"):
        if path.is_file():
            return path
    known = sorted(p.stem for p in SCENARIOS.glob("*.toml"))
    raise ScenarioError(f"{name_or_path}: neither a file nor one of {known}")


def _syntax(name: str, message: str, text: str) -> str:
    found = _POSITION.search(message)
    line = (found and found["line"]) or len(text.splitlines())
    return f"{name}:{line}: not TOML: {_POSITION.sub('', message)}"


def _apply(data: dict[str, Any], override: str) -> KeyPath:
    key, separator, text = override.partition("=")
    *sections, last = key.strip().split(".")
    if not separator:
        raise ScenarioError(f"--set {override}: expected section.key=value")
    for section in sections:
        data = data.setdefault(section, {})
        if not isinstance(data, dict):
            raise ScenarioError(f"--set {override}: {section} is no table")
    data[last] = _toml_value(text.strip())
    return (*sections, last)


def _toml_value(text: str) -> object:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
