"""Lines of TOML: keys with their values, and the reasons behind them as comments."""

import json
import re
from collections.abc import Mapping

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key_line(key: str, value: object, why: str = "") -> str:
    """A key and its value; what is behind it stands in a comment."""
    return f"{toml_key(key)} = {toml_value(value)}" + (f" # {why}" if why else "")


def toml_key(key: str) -> str:
    """A key, between quotes where it is not of plain letters."""
    return key if _BARE.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def toml_value(value: object) -> str:
    """A TOML value; a string of JSON is one of TOML."""
    if isinstance(value, Mapping):
        parts = (f"{toml_key(key)} = {toml_value(part)}" for key, part in value.items())
        return f"{{ {', '.join(parts)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
