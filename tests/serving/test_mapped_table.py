"""A large table of floats is read where it lies: rows that nobody asks for take no memory."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from secateur.contracts.errors import CorruptArtifact
from secateur.contracts.features import CategoryField, FeatureSchema
from secateur.serving.files import layout, tables
from secateur.serving.scorer import Scorer, load
from source_tree import PROJECT
from untrained_package import untrained_scorer

MIB = 1 << 20
FACTS: dict[str, Any] = {"days": {"train": ["2024-01-01"]}, "rows": {"train": 100}}


def package(folder: Path, values: int) -> Scorer:
    schema = FeatureSchema(
        scenario="shop",
        label="bought",
        categories=(CategoryField("item", "item", values + 1, 1),),
        buckets=(),
        id_key="",
    )
    return untrained_scorer(schema, {"item": [str(n) for n in range(values)]}, folder, FACTS)


def test_a_large_table_is_mapped_unless_it_would_shrink() -> None:
    drawn = np.random.default_rng(1).normal(size=(1 << 18, 9)).astype(np.float32)
    assert tables.is_mapped(drawn)
    drawn[::2] = 0
    assert not tables.is_mapped(drawn)
    assert not tables.is_mapped(drawn[:1000])


@pytest.fixture
def mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package whose table is stored as it is."""
    monkeypatch.setattr(tables, "MAPPED_BYTES", 1)
    package(tmp_path / "mapped", 300)
    return tmp_path / "mapped"


def test_it_scores_as_a_packed_one_does(
    mapped: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (mapped / layout.MAPPED_TABLE).exists()
    assert not (mapped / layout.TABLE).exists()
    monkeypatch.setattr(tables, "MAPPED_BYTES", 1 << 30)
    packed = package(tmp_path / "packed", 300)
    assert (tmp_path / "packed" / layout.TABLE).exists()
    asked = {"item": [str(n) for n in range(310)]}
    assert np.array_equal(load(mapped).score(asked), packed.score(asked))


@pytest.mark.parametrize(
    "damage",
    [
        lambda data, _: data[:-1],
        lambda data, _: data[:40],
        lambda data, _: b"",
        lambda data, _: b"\x93NUMPY\x01\x00\x10\x00{'descr': open()}",
        lambda _, table: table.astype(np.float64),
        lambda _, table: table[:-1],
        lambda _, table: table[:, 0],
        lambda _, table: table[:, :0],
        lambda _, table: np.asfortranarray(table),
        lambda _, table: np.array([["a", None]], object),
    ],
)
def test_what_is_no_such_table_is_refused(mapped: Path, damage: Any) -> None:
    path = mapped / layout.MAPPED_TABLE
    wrong = damage(path.read_bytes(), np.load(path))
    if isinstance(wrong, bytes):
        path.write_bytes(wrong)
    else:
        np.save(path, wrong)
    with pytest.raises(CorruptArtifact):
        load(mapped)


CHILD = """
import json, resource, sys
import numpy as np
from secateur.serving.scorer import load

def kib(name):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(name))

import onnxruntime, zstandard
before = kib("RssAnon:")
limit = (kib("VmData:") << 10) + int(sys.argv[2])
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
scorer = load(sys.argv[1])
scores = scorer.score({"item": [str(n) for n in range(0, 300_000, 3000)]})
print(json.dumps({"kib": kib("RssAnon:") - before, "scores": scores.tolist()}))
"""


def run_child(folder: Path, data_bytes: int) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", CHILD, str(folder), str(data_bytes)],
        env=os.environ | {"PYTHONPATH": str(PROJECT / "jobs"), "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_table_larger_than_the_memory_that_a_process_may_have_is_served(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RLIMIT_DATA bounds a process's own memory, and not what it maps of files."""
    rows, wide = 300_000, 256
    monkeypatch.setattr("untrained_package.EMBEDDING_DIM", wide)
    scorer = package(tmp_path / "mapped", rows)
    path = tmp_path / "mapped" / layout.MAPPED_TABLE
    table_bytes = path.stat().st_size
    assert table_bytes > 290 * MIB
    allowed = 160 * MIB
    served = run_child(tmp_path / "mapped", allowed)
    assert served.returncode == 0, served.stderr
    found = json.loads(served.stdout)
    assert found["kib"] << 10 < table_bytes / 3
    asked = {"item": [str(n) for n in range(0, rows, 3000)]}
    assert np.allclose(found["scores"], scorer.score(asked), atol=1e-6)
    packed = tables.pack_table(np.zeros((rows + 1, wide + 1), np.float32))
    (tmp_path / "mapped" / layout.TABLE).write_bytes(packed)
    path.unlink()
    assert run_child(tmp_path / "mapped", allowed).returncode != 0, "as it was before"
