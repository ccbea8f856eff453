"""Frozen dataclasses to canonical JSON and back, strictly: the wire form of every noun.

Standard library only, because the client that downstream services install reads nouns too.
"""

import hashlib
import json
import types
import typing
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from secateur.contracts.errors import CorruptArtifact, NewerFormat

Noun = TypeVar("Noun")
# Metadata of a mapping in a dataclass: its entries are the keys that no other field names.
OTHER_KEYS = {"other_keys": True}
# Metadata of a field that is written only where it is not its default: what has none keeps its
# bytes, its digest, and readers of before.
UNLESS_DEFAULT = {"unless_default": True}


def canonical_json(value: object) -> bytes:
    """Bytes of `value` as JSON with sorted keys and no spaces: equal values, equal bytes."""
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def digest(value: object) -> str:
    """Hex sha256 of the canonical JSON of `value`."""
    return hashlib.sha256(canonical_json(value)).hexdigest()


def dump(value: object) -> bytes:
    """Readable JSON of `value`, for files a person may open."""
    return (json.dumps(plain(value), sort_keys=True, indent=1, allow_nan=False) + "\n").encode()


def plain(value: object) -> Any:  # noqa: ANN401 - JSON has no narrower type
    """Reduce dataclasses and tuples in `value` to what JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        written = (f.name for f in fields(value) if not _is_left_out(f, getattr(value, f.name)))
        held = {name: plain(getattr(value, name)) for name in written}
        return held | held.pop(_field_of_other_keys(value), {})
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value


def from_json(noun: type[Noun], data: bytes | str) -> Noun:
    """Read one `noun` from JSON.

    Raises CorruptArtifact on bad JSON, a missing key, or a value of another type, and NewerFormat
    where all is there that this version knows, and other keys beside it.
    """
    try:
        value = json.loads(data)
    except ValueError as error:
        raise CorruptArtifact(f"{noun.__name__}: not JSON: {error}") from error
    return typing.cast(Noun, from_plain(noun, value, noun.__name__))


def from_plain(kind: Any, value: Any, where: str) -> Any:  # noqa: ANN401, PLR0911
    """Check `value`, as JSON or TOML gives it, against the type `kind` and build it.

    `where` names the value in messages. Raises CorruptArtifact or NewerFormat.
    """
    origin = get_origin(kind)
    if is_dataclass(kind):
        return _decode_dataclass(typing.cast(type, kind), value, where)
    if origin is Literal:
        return _demand(value in get_args(kind), value, where, kind)
    if origin in (Union, types.UnionType):
        return _decode_union(kind, value, where)
    if origin is tuple:
        _demand(isinstance(value, list), value, where, kind)
        return tuple(from_plain(get_args(kind)[0], v, f"{where}[{i}]") for i, v in enumerate(value))
    if origin is dict:
        _demand(isinstance(value, dict), value, where, kind)
        return {k: from_plain(get_args(kind)[1], v, f"{where}.{k}") for k, v in value.items()}
    if kind is Any:
        return value
    if kind is float:
        numeric = isinstance(value, int | float) and not isinstance(value, bool)
        return float(_demand(numeric, value, where, kind))
    if kind is int:
        return _demand(isinstance(value, int) and not isinstance(value, bool), value, where, kind)
    return _demand(isinstance(value, kind), value, where, kind)


def _decode_union(kind: Any, value: Any, where: str) -> Any:  # noqa: ANN401
    options = [k for k in get_args(kind) if k is not type(None)]
    if value is None:
        return _demand(len(options) < len(get_args(kind)), value, where, kind)
    for option in options[:-1]:
        try:
            return from_plain(option, value, where)
        except CorruptArtifact:
            continue
    return from_plain(options[-1], value, where)


def _decode_dataclass(noun: type, value: Any, where: str) -> Any:  # noqa: ANN401
    _demand(isinstance(value, dict), value, where, noun)
    hints = typing.get_type_hints(noun)
    known = {f.name: f for f in fields(noun)}
    if others := _field_of_other_keys(noun):
        named = {name: v for name, v in value.items() if name in known and name != others}
        value = named | {others: {name: v for name, v in value.items() if name not in named}}
    unknown = sorted(set(value) - set(known))
    missing = sorted(
        n
        for n, f in known.items()
        if n not in value and f.default is MISSING and f.default_factory is MISSING
    )
    if missing:
        raise CorruptArtifact(f"{where}: unknown keys {unknown}, missing keys {missing}")
    if unknown:
        raise NewerFormat(f"{where}: unknown keys {unknown}")
    return noun(**{n: from_plain(hints[n], v, f"{where}.{n}") for n, v in value.items()})


def _is_left_out(field: Field[Any], value: object) -> bool:
    return field.metadata == UNLESS_DEFAULT and value == field.default


def _field_of_other_keys(noun: Any) -> str:  # noqa: ANN401
    """The name of the field that takes all keys which no other names; '' where there is none."""
    return next((f.name for f in fields(noun) if f.metadata == OTHER_KEYS), "")


def _demand(holds: bool, value: Any, where: str, kind: Any) -> Any:  # noqa: ANN401
    if not holds:
        name = getattr(kind, "__name__", str(kind))
        raise CorruptArtifact(f"{where}: expected {name}, found {str(value)[:80]!r}")
    return value
