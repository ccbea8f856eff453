"""The reference of all keys of a scenario, as a Markdown page made from the models that check it.

A key's meaning is the text below it in `sections/` and in `contracts/candidates.py`.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from secateur.scenario.explaining.mistakes import follow_reference
from secateur.scenario.sections.scenario import Scenario

Node = Mapping[str, Any]

_INTRODUCTION = """\
# Scenario reference

A scenario is one TOML file, `jobs/scenarios/<name>.toml`: one recommender's nights. This page lists
every key. It is made from the models that check the file; make it anew, after a change to them, by

    secateur scenario reference --output infra/guides/scenario_reference.md

An unknown key is an error. So is what the sections say against each other; `secateur scenario check
FILE` explains every mistake with its line. Any key can be overridden for one run of a verb with
`--set section.key=value`. Every file in [`jobs/scenarios/`](../../jobs/scenarios) is an example.
"""
_SCALARS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true, false",
}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "pattern": "`{}`",
}
_HEADER = "| key | value | default | meaning |\n|---|---|---|---|"


@dataclass(frozen=True)
class _Table:
    """A TOML table: its heading, and the part of the JSON schema that describes it."""

    heading: str
    node: Node
    level: int


def reference_page() -> str:
    """The page, the same for the same models."""
    schema = Scenario.model_json_schema()
    parts = [_INTRODUCTION]
    for table in _tables(_Table("", schema, 1), schema):
        mark = "#" * table.level
        title = f"`{table.heading}`" if table.heading else "The file itself"
        parts.append(f"{mark} {title}\n")
        if table.heading:
            parts.append(f"{table.node['description']}\n")
        if "properties" in table.node:
            required = table.node.get("required", ())
            rows = (
                _row(key, node, key in required, schema)
                for key, node in table.node["properties"].items()
            )
            parts.append("\n".join((_HEADER, *rows)) + "\n")
    return "\n".join(parts)


def _tables(table: _Table, schema: dict[str, Any]) -> Iterator[_Table]:
    """The table and, after it, all tables that its keys hold."""
    yield _Table(table.heading, table.node, min(table.level + 1, 4))
    for option in (follow_reference(one, schema) for one in table.node.get("oneOf", ())):
        heading = f'{table.heading}, kind = "{option["properties"]["kind"]["const"]}"'
        yield from _tables(_Table(heading, option, table.level + 1), schema)
    for key, node in table.node.get("properties", {}).items():
        inner = follow_reference(node, schema)
        path = f"{table.heading.partition(',')[0].strip('[]')}.{key}".strip(".")
        if "oneOf" in inner:
            inner = {**inner, "description": f"{node['description']} There are these kinds:"}
        if "properties" in inner or "oneOf" in inner:
            yield from _tables(_Table(f"[{path}]", inner, table.level + 1), schema)
        items = follow_reference(inner.get("items", {}), schema)
        if "properties" in items:
            yield from _tables(_Table(f"[[{path}]]", items, table.level + 1), schema)


def _row(key: str, node: Node, required: bool, schema: dict[str, Any]) -> str:
    inner = follow_reference(dict(node), schema)
    meaning = node.get("description") or inner["description"]
    cells = (f"`{key}`", _values(inner, schema), _default(node, inner, required), meaning)
    escaped = (" ".join(cell.replace("|", r"\|").split()) for cell in cells)
    return f"| {' | '.join(escaped)} |"


def _values(node: Node, schema: dict[str, Any]) -> str:
    """The values that a part of the schema allows."""
    if "const" in node or "enum" in node:
        return ", ".join(f"`{value}`" for value in node.get("enum", [node.get("const")]))
    if "properties" in node or "oneOf" in node:
        return "table"
    if "anyOf" in node:
        return " or ".join(_values(follow_reference(one, schema), schema) for one in node["anyOf"])
    if node["type"] == "array":
        return _list_of(node, schema)
    if node["type"] == "object":
        patterns = node.get("patternProperties", {"": node.get("additionalProperties")})
        of = _values(follow_reference(next(iter(patterns.values())), schema), schema)
        return "tables, by name" if of == "table" else f"by name: {of}"
    bounds = [text.format(node[name]) for name, text in _BOUNDS.items() if name in node]
    if node.get("minLength"):
        bounds.append("one character" if node.get("maxLength") == 1 else "not empty")
    words = ", ".join((_SCALARS[node["type"]], *bounds))
    return words.replace("at least 0, at most 1", "0 to 1")


def _list_of(node: Node, schema: dict[str, Any]) -> str:
    if "prefixItems" in node:
        return f"[{'; '.join(_values(one, schema) for one in node['prefixItems'])}]"
    items = _values(follow_reference(node["items"], schema), schema)
    least = f", at least {node['minItems']}" if node.get("minItems") else ""
    return ("tables" if items == "table" else f"list of {items}") + least


def _default(node: Node, inner: Node, required: bool) -> str:
    if required:
        return "**required**"
    if "properties" in inner:
        return "see there" if node.get("default") else ""
    default = node.get("default", {} if inner.get("type") == "object" else None)
    return "" if default is None else f"`{json.dumps(default)}`"
