import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from secateur.contracts import record
from secateur.contracts.errors import CorruptArtifact, NewerFormat, ReleaseError, SecateurError
from secateur.serving.files import compression, golden, layout
from secateur.serving.files.golden import Golden
from secateur.serving.files.package import read_whole
from secateur.serving.scorer import load

READ = [layout.PACKED_MODEL, layout.TABLE, layout.VOCABULARY, layout.SCHEMA, layout.GOLDEN]


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


@pytest.mark.parametrize("name", READ)
def test_a_flipped_bit_is_an_error_or_changes_no_golden_score(copy: Path, name: str) -> None:
    expected = record.from_json(Golden, read_whole(copy, layout.GOLDEN))
    whole = (copy / name).read_bytes()
    refused = 0
    for position in np.linspace(0, len(whole) - 1, 100).astype(int):
        damaged = bytearray(whole)
        damaged[position] ^= 1 << position % 8
        (copy / name).write_bytes(damaged)
        try:
            scores = load(copy).score(expected.columns, hashed=True)
        except SecateurError:
            refused += 1
            continue
        assert np.allclose(scores, expected.scores, atol=2 * golden.TOLERANCE)
    # A frame's header has a bit that means nothing; every other one is under the checksum.
    assert refused >= 98


@pytest.mark.parametrize("name", READ)
def test_a_truncated_file_is_an_error(copy: Path, name: str) -> None:
    whole = (copy / name).read_bytes()
    for length in (0, 1, 3, len(whole) // 2, len(whole) - 1):
        (copy / name).write_bytes(whole[:length])
        with pytest.raises(SecateurError):
            load(copy)


@pytest.mark.parametrize("name", READ)
def test_a_missing_file_is_named(copy: Path, name: str) -> None:
    (copy / name).unlink()
    with pytest.raises(CorruptArtifact, match=name.removesuffix(".zst")):
        load(copy)


def test_a_score_that_moved_is_an_error(copy: Path) -> None:
    found = json.loads(read_whole(copy, layout.GOLDEN))
    found["scores"][3] += 2 * golden.TOLERANCE
    (copy / layout.GOLDEN).write_bytes(compression.compress(json.dumps(found).encode()))
    with pytest.raises(ReleaseError, match="1 of 32 golden scores"):
        load(copy)


@pytest.mark.parametrize(
    ("name", "said"), [(layout.TABLE, "form 3"), (layout.VOCABULARY, "form 3")]
)
def test_a_form_of_a_later_version_asks_for_a_newer_client(
    copy: Path, name: str, said: str
) -> None:
    header, payload = compression.unpack((copy / name).read_bytes(), name)
    (copy / name).write_bytes(compression.pack(header | {"form": 3}, bytes(payload)))
    with pytest.raises(NewerFormat, match=rf"needs a newer client: .*{name}: {said}"):
        load(copy)


@pytest.mark.parametrize("owner", ["the schema", "a field"])
def test_a_key_of_a_later_version_asks_for_a_newer_client(copy: Path, owner: str) -> None:
    schema = json.loads(read_whole(copy, layout.SCHEMA))
    (schema if owner == "the schema" else schema["categories"][0])["colour"] = "red"
    (copy / layout.SCHEMA).write_bytes(compression.compress(json.dumps(schema).encode()))
    with pytest.raises(NewerFormat, match=r"needs a newer client: .*unknown keys \['colour'\]"):
        load(copy)


def test_an_older_package_without_compressed_files_is_read(copy: Path) -> None:
    whole = load(copy)
    expected = whole.score_ids(whole.inputs_of(np.zeros((1, 4), np.int32)))
    for name in (layout.PACKED_MODEL, layout.SCHEMA, layout.GOLDEN):
        content = compression.decompress((copy / name).read_bytes(), name)
        (copy / name.removesuffix(".zst")).write_bytes(content)
        (copy / name).unlink()
    again = load(copy)
    assert again.score_ids(again.inputs_of(np.zeros((1, 4), np.int32))) == expected
