import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from secateur.contracts.errors import UsageError
from secateur.identity import ID_KEY
from secateur.serving.scorer import Scorer, load

KEY = b"sixteen bytes or more"
BITS = [(32, 32), (8, 8), (4, 8), (8, 32), (4, 32)]
REQUEST = {
    "user": 7,
    "item": [100, 101, 102, 999],
    "tag": ["NORMAL"] * 4,
    "length": [1, 2, 3, None],
}


@pytest.fixture(scope="module")
def scorer(folder: Path) -> Scorer:
    return load(folder, id_key=KEY)


def test_ids_are_the_places_in_the_vocabulary(scorer: Scorer) -> None:
    encoded = scorer.encode(REQUEST)
    assert encoded["request_ids"].tolist() == [[7]]
    assert encoded["ids"].tolist() == [[0, 0, 1], [1, 0, 1], [2, 0, 2], [30, 0, 4]]


def test_what_is_the_same_for_all_candidates_is_said_once(scorer: Scorer) -> None:
    for same in (7, [7] * 4, np.full(4, 7), np.array(["7"] * 4, object), ("7",) * 4):
        assert scorer.encode(REQUEST | {"user": same})["request_ids"].tolist() == [[7]]
    several = scorer.encode(REQUEST | {"user": [7, 8, "7", None]})
    assert several["request_ids"].tolist() == [[7], [8], [7], [40]]


def test_a_scalar_stands_for_all_candidates(scorer: Scorer) -> None:
    repeated = REQUEST | {"user": [7] * 4}
    assert np.array_equal(scorer.score(REQUEST), scorer.score(repeated))


def test_arrays_and_lists_score_alike(scorer: Scorer) -> None:
    arrays = {
        "user": np.array([7, 8, 9, 7]),
        "item": np.array([100, 101, 102, 999], np.int32),
        "tag": np.array(["NORMAL", "a b", None, "3.5"], object),
        "length": np.array([1, 2, 3, np.nan]),
    }
    lists = {name: column.tolist() for name, column in arrays.items()}
    for name, ids in scorer.encode(arrays).items():
        assert np.array_equal(ids, scorer.encode(lists)[name]), name


def test_raw_users_score_like_their_hashes(scorer: Scorer) -> None:
    from secateur.identity import hash_id

    users = [3, "3.0", 999, None]
    hashed = [hash_id(KEY, "3"), hash_id(KEY, "3"), hash_id(KEY, "999"), None]
    raw = scorer.encode(REQUEST | {"user": users})["request_ids"]
    known = scorer.encode(REQUEST | {"user": hashed}, hashed=True)["request_ids"]
    assert raw.tolist() == known.tolist() == [[3], [3], [40], [40]]


@pytest.mark.parametrize("bits", BITS)
def test_a_score_does_not_depend_on_its_neighbours(
    package: Callable[[int, int], Path], bits: tuple[int, int]
) -> None:
    scorer = load(package(*bits))
    ids = np.random.default_rng(1).integers(0, [41, 31, 7, 5], (50, 4)).astype(np.int32)
    alone = np.concatenate([scorer.score_ids(scorer.inputs_of(row[None])) for row in ids])
    assert np.allclose(scorer.score_ids(scorer.inputs_of(ids)), alone, atol=1e-6)
    assert alone.std() > 0.01


def test_no_candidates_no_scores(scorer: Scorer) -> None:
    scores = scorer.score({"user": [], "item": [], "tag": [], "length": []})
    assert scores.shape == (0,)
    assert scores.dtype == np.float32


def test_the_key_comes_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ID_KEY, KEY.decode())
    assert load(folder).encode(REQUEST)["request_ids"].tolist() == [[7]]


def test_another_key_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="fingerprint"):
        load(folder, id_key=b"another key of length").score(REQUEST)
    monkeypatch.delenv(ID_KEY, raising=False)
    with pytest.raises(UsageError, match=ID_KEY):
        load(folder).score(REQUEST)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": ["red"] * 4}, r"unknown \['colour'\]"),
        ({"item": [1, 2]}, "different lengths"),
        ({"item": [[1], [2], [3], [4]]}, "column item"),
    ],
)
def test_columns_that_do_not_fit_are_named(
    scorer: Scorer, change: dict[str, object], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        scorer.score(REQUEST | change)


def test_a_missing_column_is_named(scorer: Scorer) -> None:
    with pytest.raises(UsageError, match=r"missing \['tag', 'user'\]"):
        scorer.score({"item": [1], "length": [1]})


def test_ids_of_another_shape_are_refused(scorer: Scorer) -> None:
    for name, shape, expected in (
        ("request_ids", (4, 2), "[4, 1]"),
        ("request_ids", (3, 1), "[4, 1]"),
        ("ids", (4, 2), "[4, 3]"),
    ):
        feed = scorer.encode(REQUEST) | {name: np.zeros(shape, np.int32)}
        message = re.escape(f"{name} have shape {shape}, expected {expected}")
        with pytest.raises(UsageError, match=message):
            scorer.score_ids(feed)


def test_ids_alone_are_refused_where_the_model_reads_more(scorer: Scorer) -> None:
    ids = np.zeros((2, 3), np.int32)
    with pytest.raises(
        UsageError, match=r"reads \['ids', 'request_ids'\], not \['ids', 'numbers'\]"
    ):
        scorer.score_ids({"ids": ids, "numbers": np.zeros((2, 1), np.float32)})


def test_a_pulled_release_is_loaded_from_its_folder(folder: Path) -> None:
    release = SimpleNamespace(folder=folder)
    feed = load(folder).inputs_of(np.zeros((1, 4), np.int32))
    assert load(release).score_ids(feed) == load(folder).score_ids(feed)


def test_fewer_bits_take_less_memory(package: Callable[[int, int], Path]) -> None:
    dense, small = (load(package(*bits)).resident_bytes for bits in ((32, 32), (8, 8)))
    assert small < dense


def test_the_client_needs_no_pipeline() -> None:
    heavy = {"torch", "onnx", "pyarrow", "pandas", "pydantic", "boto3", "pyspark", "airflow"}
    code = f"import sys, secateur.serving.scorer; sys.exit(len({heavy} & set(sys.modules)))"
    assert (
        subprocess.run([sys.executable, "-c", code], check=False, env=_environment()).returncode
        == 0
    )


def _environment() -> dict[str, str]:
    import secateur

    return {"PYTHONPATH": str(Path(str(secateur.__file__)).parents[1])}
