"""Lines of TOML: keys with their values, and the reasons behind them as comments."""

import json
from collections.abc import Mapping


def key_line(key: str, value: object, why: str = "") -> str:
    """A key and its value; what is behind it stands in a comment."""
    return f"{key} = {toml_value(value)}" + (f" # {why}" if why else "")


def toml_value(value: object) -> str:
    """A TOML value; a string of JSON is one of TOML."""
    if isinstance(value, Mapping):
        return f"{{ {', '.join(f'{key} = {toml_value(part)}' for key, part in value.items())} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
