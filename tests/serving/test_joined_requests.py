"""Requests that are scored together get what they get alone, whatever the model reads."""

import json
from pathlib import Path

import numpy as np
import pytest

from secateur.serving.files import layout
from secateur.serving.joined_requests import join_feeds
from secateur.serving.scorer import load

STORED = Path(__file__).parents[1] / "packages"


@pytest.mark.parametrize("folder", sorted(STORED.glob("[1-9]-*")), ids=lambda folder: folder.name)
def test_joined_requests_score_as_alone(folder: Path) -> None:
    held = json.loads((folder / "expected.json").read_text())
    scorer = load(folder, id_key=held["id_key"])
    columns = held["columns"]
    shared = {f.name for f in scorer.schema.inputs if f.owner != "item"}
    many = {f.name for f in (*scorer.schema.lists, *scorer.schema.vectors)}
    feeds = []
    for row in range(4):  # each of another user, with as many candidates more
        rows = slice(row, row + row + 1)
        user = {n: [columns[n][row]] if n in many else columns[n][row] for n in shared}
        feeds.append(scorer.encode({n: c[rows] for n, c in columns.items()} | user))
    alone = [scorer.score_task_ids(feed) for feed in feeds]
    together = scorer.score_task_ids(join_feeds(feeds))
    assert len(together[scorer.schema.label]) == 1 + 2 + 3 + 4
    for task, scores in together.items():
        expected = np.concatenate([one[task] for one in alone])
        assert scores == pytest.approx(expected, abs=1e-6)


def test_a_single_request_is_not_copied() -> None:
    feed = {layout.IDS: np.zeros((2, 3), np.int32)}
    assert join_feeds([feed]) is feed
