"""A ranked request: the best of the snapshot's items, or of those that it names."""

import json
from pathlib import Path
from typing import Any

import numpy as np
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


@pytest.mark.parametrize("items", [None, ["0", "3", "4"]])
def test_the_best_come_first_with_their_scores(scorer: Scorer, items: list[str] | None) -> None:
    found = ask(scorer, items, rank=2)
    assert isinstance(found, Answered)
    probability, item = sorted(json.loads(found.body)["outputs"], key=lambda one: one["datatype"])[
        ::-1
    ]
    expected = scorer.rank({"user_id": "3"}, k=2, items=items)
    assert item["data"] == [video for video, _ in expected]
    assert probability["data"] == pytest.approx([score for _, score in expected])
    assert probability["data"][0] > probability["data"][1]


def test_without_rank_the_items_are_scored_in_their_order(scorer: Scorer) -> None:
    found = ask(scorer, ["4", "1"])
    assert isinstance(found, Answered)
    (output,) = json.loads(found.body)["outputs"]
    scores = scorer.score({"user_id": "3", "video_id": ["4", "1"]})
    assert output["data"] == pytest.approx(scores.tolist(), abs=1e-6)


def test_hashed_users_are_not_ranked(scorer: Scorer) -> None:
    assert isinstance(ask(scorer, None, rank=2, hashed=True), UsageError)
