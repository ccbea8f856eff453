"""JSON rows lack keys as they like: each file of a window has the columns of all its files.

So a day has the same columns whichever days are read with it, and a key that its first rows lack is
read in the others. What is null, {} or [] in all rows of a file may be an object in another's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from secateur.contracts.errors import Refused
from secateur.events.reading.raw_file import RawFile
from secateur.scenario.raw_log.members import Path

_Keys = tuple[str, ...]


def with_columns_of_all(files: Sequence[RawFile]) -> list[RawFile]:
    """The files, each with every column that one of them has, in the order they come.

    Raises Refused naming two files of which one holds objects, or arrays of them, where the other
    holds something else.
    """
    told = {_keys(path): (path, file) for file in files for path in _told_paths(file)}
    for file in files:
        for path in _told_paths(file):
            _demand_one_kind(path, file, told)
    above = {keys[:n] for keys in told for n in range(1, len(keys))}
    names: dict[str, str] = {}
    paths: dict[str, Path] = {}
    for file in files:
        for field, name in file.names.items():
            path = file.path_of(field)
            if _keys(path) not in above:
                names.setdefault(field, name)
                paths.setdefault(field, told.get(_keys(path), (path, file))[0])
    return [replace(file, names=names, paths=paths) for file in files]


def _told_paths(file: RawFile) -> Iterator[Path]:
    """The paths of a file's columns that have a value in its first rows."""
    return (file.path_of(field) for field in file.names if field not in file.hollow)


def _demand_one_kind(path: Path, file: RawFile, told: Mapping[_Keys, tuple[Path, RawFile]]) -> None:
    keys = _keys(path)
    for length in range(1, len(keys) + 1):
        other, of = told.get(keys[:length], (path[:length], file))
        if of is not file and (length < len(keys) or other != path):
            raise Refused(
                f"{file.key} holds objects or arrays of them in {'.'.join(keys[:length])}, "
                f"{of.key} something else: they have no common type"
            )


def _keys(path: Path) -> _Keys:
    return tuple(step.key for step in path)
