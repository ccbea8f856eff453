"""Every mistake of a scenario in one line each: where, which key, what was found, what may stand.

short.toml:14: logs.format: 'cvs' is none of csv, tsv, json_lines, parquet (did you mean csv?)
"""

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from secateur.scenario.explaining.toml_lines import KeyPath

_SHOWN = 60
_KEY = "[key]"  # what pydantic puts behind a table's key that is wrong itself
_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a table",
}
_BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "above {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "below {}",
    "pattern": "of the pattern {}",
}


@dataclass(frozen=True)
class Mistake:
    """What is wrong with the key at `path`, an empty one for the whole file."""

    path: KeyPath
    message: str


def spell(path: KeyPath) -> str:
    """A key path as people write it: `features.fields[3].owner`."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return text.removeprefix(".")


def mistakes_of(error: ValidationError, model: type[BaseModel]) -> list[Mistake]:
    """Explain every error that `model` found, in the order of its fields."""
    schema = model.model_json_schema()
    # Of a value that may be of several kinds each kind has an error of its own.
    errors = [dict(one) for one in error.errors()]
    return list(dict.fromkeys(_of_kinds(one, schema) or _mistake(one, schema) for one in errors))


def did_you_mean(found: object, known: Iterable[str]) -> str:
    """` (did you mean csv?)` for the closest of the `known` words, '' where none is close."""
    by_lower = {word.lower(): word for word in known}
    close = difflib.get_close_matches(str(found).lower(), by_lower, n=1)
    return f" (did you mean {by_lower[close[0]]}?)" if close else ""


def _path_in_file(loc: KeyPath, schema: dict[str, Any]) -> KeyPath:
    """Without the chosen kind of a union, which pydantic puts into its own."""
    kept = (n for n, part in enumerate(loc) if part != _KEY)
    return tuple(loc[n] for n in kept if "oneOf" not in _node(schema, loc[:n]))


def _of_kinds(error: Mapping[str, Any], schema: dict[str, Any]) -> Mistake | None:
    """The mistake where a value may be of several kinds, such as a number or a word."""
    loc = error["loc"][:-1]
    node = _node(schema, loc)
    if len(node.get("anyOf", ())) < 2:
        return None
    said = f"{_short_text(error['input'])} is not {_allowed_values(node, schema)}"
    return Mistake(_path_in_file(loc, schema), said)


def _mistake(error: Mapping[str, Any], schema: dict[str, Any]) -> Mistake:
    loc = error["loc"]
    path = _path_in_file(loc, schema)
    kind, found = error["type"], error["input"]
    if kind == "union_tag_invalid":
        options = re.findall(r"'([^']*)'", error["ctx"]["expected_tags"])
        return Mistake((*path, "kind"), _none_of(error["ctx"]["tag"], options))
    if kind in ("extra_forbidden", "unexpected_keyword_argument"):
        known = sorted(_node(schema, loc[:-1]).get("properties", {}))
        hint = did_you_mean(path[-1], known)
        return Mistake(path, f"unknown key{hint}; known here: {', '.join(known)}")
    node = _node(schema, loc)
    if kind == "missing":
        return Mistake(path, f"is missing; it wants {_allowed_values(node, schema)}")
    if kind == "literal_error":
        return Mistake(path, _none_of(found, [str(value) for value in node.get("enum", ())]))
    if kind == "value_error":
        return Mistake(path, error["msg"].removeprefix("Value error, "))
    return Mistake(
        path, f"{_short_text(found)} is not {_allowed_values(node, schema) or error['msg']}"
    )


def _none_of(found: object, options: Iterable[str]) -> str:
    known = tuple(options)
    return f"{_short_text(found)} is none of {', '.join(known)}{did_you_mean(found, known)}"


def _short_text(value: object) -> str:
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _node(schema: dict[str, Any], loc: KeyPath) -> dict[str, Any]:
    """The part of a JSON schema that describes the value at `loc`; {} where none does."""
    if loc[-1:] == (_KEY,):
        return dict(_node(schema, loc[:-2]).get("propertyNames", {}))
    node = schema
    for part in loc:
        node = _step(follow_reference(node, schema), part, schema)
    return follow_reference(node, schema)


def _step(node: dict[str, Any], part: str | int, schema: dict[str, Any]) -> dict[str, Any]:
    if isinstance(part, int):
        fixed = node.get("prefixItems", [])
        return dict(fixed[part] if part < len(fixed) else node.get("items", {}))
    if "oneOf" in node:
        options = [follow_reference(option, schema) for option in node["oneOf"]]
        kinds = [option.get("properties", {}).get("kind", {}).get("const") for option in options]
        return options[kinds.index(part)] if part in kinds else {}
    found = node.get("properties", {}).get(part, node.get("additionalProperties"))
    return found if isinstance(found, dict) else {}


def follow_reference(node: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """Follow a reference, and leave out that a value may be null, which TOML cannot say."""
    while True:
        some = [option for option in node.get("anyOf", ()) if option.get("type") != "null"]
        if len(some) == 1:
            node = some[0]
        elif "$ref" in node:
            node = schema["$defs"][node["$ref"].rpartition("/")[2]]
        else:
            return node


def _allowed_values(node: dict[str, Any], schema: dict[str, Any]) -> str:
    """The values that a part of the schema allows, in words."""
    if "anyOf" in node:
        return " or ".join(_allowed_values(option, schema) for option in node["anyOf"])
    if "const" in node:
        return f'"{node["const"]}"'
    if "enum" in node:
        return f"one of {', '.join(map(str, node['enum']))}"
    if "properties" in node or "oneOf" in node:
        return f"a table with {', '.join(node.get('required', ())) or 'keys of its own'}"
    words = _KINDS.get(node.get("type", ""), "")
    bounds = [text.format(node[name]) for name, text in _BOUNDS.items() if name in node]
    length = node.get("minItems", node.get("minLength"))
    if length:
        bounds.append(f"with at least {length} of them" if "minItems" in node else "not empty")
    items = follow_reference(node.get("items", {}), schema)
    if items:
        bounds.append(f"each {_allowed_values(items, schema)}")
    return ", ".join((words, *bounds))
