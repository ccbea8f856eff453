"""Raw rows of a CSV file, scored a chunk at a time."""

import contextlib
import csv
import gzip
import io
import itertools
import sys
import zlib
from collections.abc import Iterator, Sequence
from typing import IO

from secateur.contracts.errors import UsageError
from secateur.encoding.lists import HISTORY_SEPARATOR, split
from secateur.serving.scorer import Scorer, Scores

CHUNK_ROWS = 8192


def score_csv(scorer: Scorer, name: str, hashed: bool) -> Iterator[Scores]:
    """Float32 scores [n] of the next rows of a file with a header, at most CHUNK_ROWS at a time.

    The file may be gzipped; `-` is standard input. A list or a vector is one text between its
    field's separators, a history one between blanks. With `hashed`, user ids are keyed hashes
    already. Raises UsageError naming the file, and the row or the column that is wrong.
    """
    with _open_text(name) as source:
        rows = csv.reader(source)
        header = next(rows, [])
        for field in scorer.schema.inputs:
            if header.count(field.name) > 1:
                raise UsageError(f"{name}: column {field.name} is there more than once")
        missing = [field.name for field in scorer.schema.inputs if field.name not in header]
        if missing:
            raise UsageError(f"{name}: no column {', '.join(missing)}")
        line = 1
        while chunk := list(itertools.islice(rows, CHUNK_ROWS)):
            for values in chunk:
                line += 1
                if len(values) != len(header):
                    raise UsageError(
                        f"{name}: row {line} has {len(values)} of {len(header)} columns"
                    )
            columns = dict(zip(header, zip(*chunk, strict=True), strict=True))
            wanted: dict[str, Sequence[object]] = {
                field.name: columns[field.name] for field in scorer.schema.inputs
            }
            for field in scorer.schema.lists:
                if field.separator is None:
                    cells = columns[field.name]
                    wanted[field.name] = [split(cell, HISTORY_SEPARATOR) for cell in cells]
            yield scorer.score(wanted, hashed=hashed)


@contextlib.contextmanager
def _open_text(name: str) -> Iterator[IO[str]]:
    """Text of a file, gzipped or not, or of standard input. Raises UsageError."""
    try:
        if name == "-":
            if isinstance(sys.stdin, io.TextIOWrapper):  # read as a file is, whatever the locale
                sys.stdin.reconfigure(encoding="utf-8-sig", errors="strict", newline="")
            yield sys.stdin
            return
        opener = gzip.open if name.endswith(".gz") else open
        with opener(name, "rt", encoding="utf-8-sig", newline="") as file:
            yield file
    except (FileNotFoundError, IsADirectoryError, gzip.BadGzipFile) as error:
        raise UsageError(f"{name}: {error.strerror or error}") from error
    except (EOFError, UnicodeDecodeError, csv.Error, zlib.error) as error:
        raise UsageError(f"{name}: {error}") from error
