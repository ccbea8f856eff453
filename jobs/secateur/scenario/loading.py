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
class ScenarioSource:
    """A scenario as it was written: its file, its values, and where each of them stands."""

    name: str
    data: dict[str, Any]
    lines: Mapping[KeyPath, int]
    overrides: Mapping[KeyPath, str] = field(default_factory=dict)

    def report(self, mistakes: Iterable[Mistake]) -> list[str]:
        """A line a mistake, in the order of the file."""
        lines = []
        for mistake in sorted(mistakes, key=lambda one: line_of(one.path, self.lines) or 0):
            key = f"{spell(mistake.path)}: " if mistake.path else ""
            lines.append(f"{self._origin(mistake.path)}: {key}{mistake.message}")
        return lines

    def _origin(self, path: KeyPath) -> str:
        """The file and line of a key, or the override that made it."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.overrides:
                return f"--set {self.overrides[path[:length]]}"
        line = line_of(path, self.lines)
        return self.name if line is None else f"{self.name}:{line}"


def log_uri(uri: str) -> str:
    """The URI of a log: absolute, or a path relative to the project's root."""
    return uri if "://" in uri else str(PROJECT / uri)


def load_scenario(name_or_path: str, overrides: Sequence[str] = ()) -> Scenario:
    """Read a scenario and apply overrides `section.key=value` (the value is TOML, or a bare word).

    Raises ScenarioError with a line a mistake: the file, the line, the key, and what is wrong.
    """
    source = read_scenario(name_or_path, overrides)
    made, mistakes = parse_scenario(source.data)
    if made is None or mistakes:
        raise ScenarioError("\n".join(source.report(mistakes)))
    return made


def read_scenario(name_or_path: str, overrides: Sequence[str] = ()) -> ScenarioSource:
    """Read the file and apply the overrides. Raises ScenarioError where it is no TOML."""
    places = (Path(name_or_path), SCENARIOS / f"{name_or_path}.toml")
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        known = sorted(p.stem for p in SCENARIOS.glob("*.toml"))
        raise ScenarioError(f"{name_or_path}: neither a file nor one of {known}")
    name = name_or_path if path == Path(name_or_path) else path.name
    try:
        text = path.read_text()
        data = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{name}: not TOML: {error}") from error
    except tomllib.TOMLDecodeError as error:
        found = _POSITION.search(str(error))
        line = (found and found["line"]) or len(text.splitlines())
        message = _POSITION.sub("", str(error))
        raise ScenarioError(f"{name}:{line}: not TOML: {message}") from error
    written = {_apply(data, override): override for override in overrides}
    return ScenarioSource(name, data, lines_of(text), written)


def parse_scenario(data: Mapping[str, Any]) -> tuple[Scenario | None, list[Mistake]]:
    """The scenario, if its sections hold; and every mistake in them or between them."""
    found = disagreements(data)
    try:
        return Scenario.model_validate(data), found
    except ValidationError as error:
        return None, mistakes_of(error, Scenario) + found


def _apply(data: dict[str, Any], override: str) -> KeyPath:
    key, separator, text = override.partition("=")
    *sections, last = key.strip().split(".")
    if not separator:
        raise ScenarioError(f"--set {override}: expected section.key=value")
    for section in sections:
        data = data.setdefault(section, {})
        if not isinstance(data, dict):
            raise ScenarioError(f"--set {override}: {section} is no table")
    try:
        data[last] = tomllib.loads(f"value = {text.strip()}")["value"]
    except tomllib.TOMLDecodeError:
        data[last] = text.strip()
    return (*sections, last)
