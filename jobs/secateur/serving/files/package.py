"""Read the files of a Package, trusting none of them."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, NewerFormat, UsageError
from secateur.contracts.features import FeatureSchema
from secateur.serving.files import compression, layout
from secateur.serving.files.tables import Table, map_table, unpack_table
from secateur.serving.files.vocabulary import Values, unpack_vocabulary


@dataclass(frozen=True)
class Contents:
    """What scoring needs of a Package, unpacked.

    A large table is not: it lies in `mapped_in`, the package's folder, and is read there.
    """

    schema: FeatureSchema
    model: bytes
    table: Table
    vocabulary: dict[str, Values]
    mapped_in: Path | None = None


class HasFolder(Protocol):
    """A pulled release: its verified files lie in `folder`."""

    @property
    def folder(self) -> Path:
        """Where `model.onnx` and the rest lie."""


def folder_of(given: HasFolder | Path | str) -> Path:
    """Where a package or a snapshot lies. Raises UsageError."""
    folder = given if isinstance(given, str | os.PathLike) else getattr(given, "folder", None)
    if not isinstance(folder, str | os.PathLike):
        raise UsageError(f"load a pulled release or a folder, not {given!r:.60}")
    if "://" in str(folder):
        raise UsageError(f"{folder} is no folder: pull the release first, then load it")
    if not Path(folder).is_dir():
        raise UsageError(f"{folder} is no folder with one")
    return Path(folder)


def read_package(folder: Path) -> Contents:
    """Read and unpack.

    Raises CorruptArtifact for a missing or damaged file, NewerFormat for a package of a later
    version.
    """
    try:
        return _read(folder)
    except NewerFormat as error:
        raise NewerFormat(f"the package in {folder} needs a newer client: {error}") from error


def _read(folder: Path) -> Contents:
    schema = record.from_json(FeatureSchema, read_whole(folder, layout.SCHEMA))
    sizes = {field.name: field.size for field in schema.categories}
    for field in schema.lists:
        if field.shares is not None and sizes.get(field.shares) != field.size:
            where = folder / layout.SCHEMA
            raise CorruptArtifact(f"{where}: {field.name} shares no {field.shares} of its size")
    rows = sum(field.size for field in (*schema.fields, *schema.own_lists))
    mapped_in = folder if (folder / layout.MAPPED_TABLE).exists() else None
    if mapped_in:
        table = map_table(folder / layout.MAPPED_TABLE, rows)
    else:
        packed = read_file(folder, layout.TABLE)
        table = unpack_table(packed, rows, f"{folder / layout.TABLE}")
    words = read_file(folder, layout.VOCABULARY)
    vocabulary = unpack_vocabulary(words, schema, f"{folder / layout.VOCABULARY}")
    return Contents(schema, read_whole(folder, layout.MODEL), table, vocabulary, mapped_in)


def read_whole(folder: Path, name: str) -> bytes:
    """Content of a file that is there as it is or, with `.zst` after its name, compressed.

    Raises CorruptArtifact when it is missing or damaged.
    """
    plain = name.removesuffix(".zst")
    packed = f"{plain}.zst"
    if not (folder / packed).exists():
        return read_file(folder, plain)
    return compression.decompress(read_file(folder, packed), f"{folder / packed}")


def read_file(folder: Path, name: str) -> bytes:
    """Bytes of one file. Raises CorruptArtifact when it is missing."""
    try:
        return (folder / name).read_bytes()
    except OSError as error:
        raise CorruptArtifact(f"{folder} is no whole package: {name}: {error.strerror}") from error
