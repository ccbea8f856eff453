"""A ranked request: the best of the snapshot's items, or of those that it names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from secateur import artifacts
from secateur.contracts import record
from secateur.contracts.errors import UsageError
from secateur.contracts.releases import FeatureSnapshot, SnapshotColumn, SnapshotTable
from secateur.identity import fingerprint
from secateur.server.scoring import Answered, Asked, Served, answer_all
from secateur.serving.scorer import Scorer, load
from secateur.snapshot.keyed_tables import SNAPSHOT, write_table
from small_package import KEY, sealed


@pytest.fixture
def scorer(tmp_path: Path) -> Scorer:
    """A model with a snapshot of five videos."""
    package, _ = sealed(tmp_path, 1)
    folder, column = tmp_path / "snapshot", SnapshotColumn("duration_ms", "number")
    id_column = SnapshotColumn("video_id", "text")
    videos = [str(video) for video in range(5)]
    lengths = np.array([500.0, 5e3, 5e4, 5e5, np.nan])
    write_table(folder / "table-0", videos, [(id_column, videos), (column, lengths)])
    table = SnapshotTable(("video_id",), 5, (id_column, column))
    key, named = fingerprint(KEY.encode()), ("user_id", "video_id")
    meaning = FeatureSnapshot("short_video", "2024-03-01", 0, key, *named, (), (table,))
    (folder / SNAPSHOT).write_bytes(record.canonical_json(meaning))
    return load(artifacts.open_artifact(package.uri, "Package").folder, id_key=KEY, snapshot=folder)


def ask(scorer: Scorer, items: list[str] | None, **parameters: Any) -> Answered | Exception:
    user = {"name": "user_id", "datatype": "BYTES", "shape": [1], "data": ["3"]}
    named = {"name": "video_id", "datatype": "BYTES", "shape": [len(items or ())], "data": items}
    inputs = [user, *([named] if items else [])]
    body = json.dumps({"inputs": inputs, "parameters": parameters}).encode()
    (found,) = answer_all(Served(scorer, "shop", "1"), [Asked(body)], 100, 100)
    return found


@pytest.mark.parametrize("items", [None, ["0", "3", "4"], ["4"], ["12"]])
def test_the_best_come_first_with_their_scores(scorer: Scorer, items: list[str] | None) -> None:
    found = ask(scorer, items, rank=2)
    assert isinstance(found, Answered)
    probability, item = sorted(json.loads(found.body)["outputs"], key=lambda one: one["datatype"])[
        ::-1
    ]
    expected = scorer.rank({"user_id": "3"}, k=2, items=items)
    assert item["data"] == [video for video, _ in expected]
    assert probability["data"] == pytest.approx([score for _, score in expected])
    assert probability["data"] == sorted(probability["data"], reverse=True)


def test_without_rank_the_items_are_scored_in_their_order(scorer: Scorer) -> None:
    found = ask(scorer, ["4", "1"])
    assert isinstance(found, Answered)
    (output,) = json.loads(found.body)["outputs"]
    scores = scorer.score({"user_id": "3", "video_id": ["4", "1"]})
    assert output["data"] == pytest.approx(scores.tolist(), abs=1e-6)


def test_hashed_users_are_not_ranked(scorer: Scorer) -> None:
    assert isinstance(ask(scorer, None, rank=2, hashed=True), UsageError)


@pytest.mark.parametrize(
    "items",
    [
        pd.Series(["4", "0", "3"], index=[2, 0, 1]),
        pd.Series([4, 0, 3], index=[10, 11, 12]),
        np.array([4, 0, 3]),
        pa.array(["4", "0", "3"]),
        iter(["4", "0", "3"]),
        dict.fromkeys(["4", "0", "3"]).keys(),
    ],
    ids=lambda items: type(items).__name__,
)
def test_ranked_items_are_named_as_they_stand_whatever_holds_them(
    scorer: Scorer, items: Any
) -> None:
    found = scorer.rank({"user_id": "3"}, items=items)
    expected = scorer.rank({"user_id": "3"}, items=["4", "0", "3"])
    assert [(str(item), score) for item, score in found] == expected
    assert {type(item) for item, _ in found} <= {str, int}


def test_items_to_rank_may_stand_in_the_request_itself(scorer: Scorer) -> None:
    user = {"user_id": "3"}
    some = scorer.rank(user | {"video_id": ["4", "0"]})
    assert some == scorer.rank(user, items=["4", "0"])
    ((item, score),) = scorer.rank(user | {"video_id": "12"})
    assert (item, score) == ("12", scorer.score(user | {"video_id": ["12"]})[0])
    with pytest.raises(UsageError, match="and so is the column video_id"):
        scorer.rank(user | {"video_id": ["4"]}, items=["0"])


@pytest.mark.parametrize("k", [0, -1, 2.5, "3", None])
def test_how_many_are_ranked_is_a_count(scorer: Scorer, k: Any) -> None:
    with pytest.raises(UsageError, match="from 1 on"):
        scorer.rank({"user_id": "3"}, k=k)


@pytest.mark.parametrize("items", [{"4", "0"}, [["4"], ["0"]], [{"4"}], np.array([["4"], ["0"]])])
def test_items_that_are_no_values_are_refused_by_name(scorer: Scorer, items: Any) -> None:
    with pytest.raises(UsageError, match="column video_id"):
        scorer.rank({"user_id": "3"}, items=items)


def test_what_is_no_text_concerns_its_own_request_alone(scorer: Scorer) -> None:
    """Requests that wait are scored together: one of them must not fail the others."""
    columns = [("user_id", ["3"]), ("video_id", ["1", "\ud800"])]
    inputs = [{"name": n, "datatype": "BYTES", "shape": [len(v)], "data": v} for n, v in columns]
    bodies = [{"inputs": inputs}, {"id": "\ud800", "inputs": inputs}]
    bodies += [{"inputs": [{**inputs[0], "datatype": kind}]} for kind in ([], {}, None)]
    asked = [Asked(json.dumps(body).encode()) for body in bodies]
    found = answer_all(Served(scorer, "shop", "1"), [*asked, asked[0]], 100, 100)
    assert [type(one) for one in found] == [Answered, *[UsageError] * 4, Answered]
