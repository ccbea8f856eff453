"""Several requests scored by one run of the model: each has its own answer or its own error."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from secateur.contracts.errors import UsageError
from secateur.server.model_metadata import ITEM, output_names
from secateur.server.requests import Output, ScoreRequest, answer, read_request
from secateur.serving.files import layout
from secateur.serving.joined_requests import join_feeds
from secateur.serving.runtime import Feed
from secateur.serving.scorer import Scorer, Scores


@dataclass(frozen=True)
class Asked:
    """A request's body as it came; `json_bytes` are JSON, all where it is None."""

    body: bytes
    json_bytes: int | None = None


@dataclass(frozen=True)
class Answered:
    """An answer's body, how many of its bytes are JSON where binary follows, and its rows."""

    body: bytes
    json_bytes: int | None
    rows: int


@dataclass(frozen=True)
class Served:
    """A scorer, and what the protocol calls its model: a name and a version."""

    scorer: Scorer
    name: str
    version: str


def answer_all(
    served: Served, asked: Sequence[Asked], row_limit: int, joined_rows: int
) -> list[Answered | Exception]:
    """Answer every request, in their order; what is wrong with one is no matter of the others.

    Requests of up to `joined_rows` rows together are one run of the model.
    """
    outcomes: dict[int, Answered | Exception] = {}
    encoded: dict[int, tuple[ScoreRequest, Feed]] = {}
    for place, one in enumerate(asked):
        try:
            request = read_request(one.body, one.json_bytes, served.scorer.schema, row_limit)
            if request.rank is None:
                feed = served.scorer.encode(request.columns, hashed=request.hashed)
                encoded[place] = request, feed
            else:
                outcomes[place] = _answer(served, request, _rank_items(served.scorer, request))
        except Exception as error:  # whatever it is, the other requests are answered
            outcomes[place] = error
    for places in _groups(encoded, joined_rows):
        outcomes |= _score(served, {place: encoded[place] for place in places})
    return [outcomes[place] for place in range(len(asked))]


def _groups(encoded: Mapping[int, tuple[ScoreRequest, Feed]], joined_rows: int) -> list[list[int]]:
    """Places of requests in groups that have few enough rows together, or one request."""
    groups: list[list[int]] = []
    rows = 0
    for place, (_, feed) in encoded.items():
        rows += len(feed[layout.IDS])
        if not groups or rows > joined_rows:
            groups.append([])
            rows = len(feed[layout.IDS])
        groups[-1].append(place)
    return groups


def _score(
    served: Served, group: Mapping[int, tuple[ScoreRequest, Feed]]
) -> dict[int, Answered | Exception]:
    """Outcomes by place of a group of requests, scored at once."""
    names = output_names(served.scorer.schema)
    outcomes: dict[int, Answered | Exception] = {}
    try:
        by_task = served.scorer.score_task_ids(join_feeds([feed for _, feed in group.values()]))
    except Exception as error:
        return dict.fromkeys(group, error)
    start = 0
    for place, (request, feed) in group.items():
        end = start + len(feed[layout.IDS])
        outputs: dict[str, Output] = {
            names[task]: scores[start:end] for task, scores in by_task.items()
        }
        start = end
        try:
            outcomes[place] = _answer(served, request, outputs)
        except Exception as error:  # of its outputs, say: no matter of the others
            outcomes[place] = error
    return outcomes


def _rank_items(scorer: Scorer, request: ScoreRequest) -> dict[str, Output]:
    """The best items and their probabilities, of those that the request names or of all."""
    if request.hashed:
        raise UsageError("a ranked request gives raw user ids")
    if scorer.ranked_item is None:
        raise UsageError("items are ranked where the server has a snapshot: serve --snapshot")
    found = scorer.rank(request.columns, request.rank or 0)
    scores: Scores = np.array([score for _, score in found], np.float32)
    items = ["" if item is None else str(item) for item, _ in found]
    return {ITEM: items, layout.PROBABILITY: scores}


def _answer(served: Served, request: ScoreRequest, outputs: Mapping[str, Output]) -> Answered:
    model = {"model_name": served.name, "model_version": served.version}
    body, json_bytes = answer(request, model, outputs)
    return Answered(body, json_bytes, len(outputs[layout.PROBABILITY]))
