"""Raw rows of a CSV file, whoever wrote it, and where their scores go."""

import gzip
import io
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from secateur import client
from secateur.contracts.errors import UsageError
from secateur.serving import csv_rows
from secateur.serving.scorer import Scorer, load
from small_package import KEY, sealed

HEADER = "user_id,video_id,duration_ms\n"
REQUEST = {"user_id": ["3", "4"], "video_id": ["1", "5"], "duration_ms": ["", "700"]}
ROWS = f"{HEADER}3,1,\n4,5,700\n"


@pytest.fixture(scope="module")
def scorer(tmp_path_factory: pytest.TempPathFactory) -> Scorer:
    return load(sealed(tmp_path_factory.mktemp("package"), 1)[0].folder, id_key=KEY)


def scores_of(scorer: Scorer, name: str) -> list[float]:
    return np.concatenate([*csv_rows.score_csv(scorer, name, hashed=False)]).tolist()  # type: ignore[no-any-return]


@pytest.mark.parametrize("encoding", ["ascii", "utf-8", "utf-16"])
def test_what_windows_writes_to_standard_input_is_read_as_a_file_is(
    scorer: Scorer, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    data = b"\xef\xbb\xbf" + ROWS.replace("\n", "\r\n").encode()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data), encoding=encoding))
    assert scores_of(scorer, "-") == scorer.score(REQUEST).tolist()


def test_a_column_that_is_there_twice_is_named(scorer: Scorer, tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    path.write_text("user_id,video_id,duration_ms,user_id,noise,noise\n3,1,,4,5,6\n")
    with pytest.raises(UsageError, match=r"rows.csv: column user_id is there more than once"):
        scores_of(scorer, str(path))
    path.write_text("noise,user_id,video_id,duration_ms,noise\n1,3,1,,2\n1,4,5,700,2\n")
    assert scores_of(scorer, str(path)) == scorer.score(REQUEST).tolist(), "no model reads that one"


def test_a_byte_that_flipped_in_a_gzipped_file_is_told(scorer: Scorer, tmp_path: Path) -> None:
    rows = "".join(f"{n},{n * 7 % 13},{n * 31}\n" for n in range(3000))
    whole, path = gzip.compress((HEADER + rows).encode(), mtime=0), tmp_path / "rows.csv.gz"
    for place in range(20, len(whole), 500):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        with pytest.raises(UsageError, match=r"rows\.csv\.gz: "):
            scores_of(scorer, str(path))


def test_scores_take_neither_the_place_of_a_pipe_nor_of_a_link(tmp_path: Path) -> None:
    link, pipe, piped = tmp_path / "link", tmp_path / "pipe", []
    link.symlink_to(tmp_path / "file")
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: piped.append(pipe.read_text()))
    reader.start()
    for path in (link, pipe):
        with client._output(path) as target:
            target.write("0.5\n")
    reader.join(10)
    assert (link.is_symlink(), pipe.is_fifo()) == (True, True)
    assert ((tmp_path / "file").read_text(), piped) == ("0.5\n", ["0.5\n"])
