"""JSON rows lack keys as they like: each file of a window has the columns of all its files.

So a day has the same columns whichever days are read with it, and a key that its first rows lack is
read in the others. What is null, {} or [] in all rows of a file may be an object in another's. The
columns are ordered by name: an object's keys have no order that a day could keep when others go.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from secateur.contracts.errors import Refused
from secateur.events.reading.raw_file import RawFile
from secateur.scenario.raw_log.column_names import NamingRules, names_by_field
from secateur.scenario.raw_log.members import Path, PathStep, name_of

_Keys = tuple[str, ...]
_OBJECT, _OBJECTS, _VALUE = "object", "objects", "value"  # in the order in which they are told
_FilesByKind = Mapping[str, RawFile]


def with_columns_of_all(files: Sequence[RawFile], rules: NamingRules) -> list[RawFile]:
    """The files, each with every column that one of them has, by name.

    What is an object in one file, and an array of them or a value in another, stays one value, as
    it does within a file. Raises Refused where the scenario seeks it, or a member of it, naming two
    such files, and where two columns have one name.
    """
    texts = _kept_whole(files, rules.sought)
    told: dict[_Keys, Path] = {}
    hollow: dict[_Keys, Path] = {}
    for file in files:
        for field in file.names:
            path = _cut(file.path_of(field), texts)
            (hollow if field in file.hollow else told).setdefault(_keys(path), path)
    above = {keys[:n] for keys in told for n in range(1, len(keys))}
    every = [path for keys, path in (hollow | told).items() if keys not in above]
    paths = {name_of(path): path for path in sorted(every, key=name_of)}
    names = names_by_field("the log", sorted(map(name_of, every)), rules)
    return [replace(file, names=names, paths=paths) for file in files]


def _kept_whole(files: Sequence[RawFile], sought: frozenset[str]) -> set[_Keys]:
    """Where files hold values of different kinds. Raises Refused where that is sought."""
    kinds: dict[_Keys, dict[str, RawFile]] = {}
    for file in files:
        for field in file.names:
            for keys, kind in _kinds_along(file.path_of(field), is_hollow=field in file.hollow):
                kinds.setdefault(keys, {}).setdefault(kind, file)
    mixed = {keys: by_kind for keys, by_kind in kinds.items() if len(by_kind) > 1}
    for keys, by_kind in mixed.items():
        _demand_not_sought(".".join(keys), by_kind, sought)
    return {*mixed}


def _kinds_along(path: Path, *, is_hollow: bool) -> Iterator[tuple[_Keys, str]]:
    """What a file holds at each key of a path; at its end, nothing where that is hollow."""
    keys = _keys(path)
    for length, step in enumerate(path[:-1], start=1):
        yield keys[:length], _OBJECTS if step.many else _OBJECT
    if not is_hollow:
        yield keys, _VALUE


def _demand_not_sought(name: str, by_kind: _FilesByKind, sought: frozenset[str]) -> None:
    if any(one == name or one.startswith(f"{name}.") for one in sought):
        first, second, *_ = (by_kind[kind].key for kind in sorted(by_kind))
        raise Refused(
            f"{first} holds objects or arrays of them in {name}, "
            f"{second} something else: they have no common type"
        )


def _cut(path: Path, texts: set[_Keys]) -> Path:
    """The path up to the first key whose value stays whole."""
    for length in range(1, len(path)):
        if _keys(path[:length]) in texts:
            return (*path[: length - 1], PathStep(path[length - 1].key))
    return path


def _keys(path: Path) -> _Keys:
    return tuple(step.key for step in path)
