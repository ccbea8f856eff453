"""A downstream service in small: it has the client's dependencies and nothing else.

    python downstream.py s3://models/short_video

It pulls the release that the channel serves, verifies it, and scores the newest day of the log
that is bundled for the scenario, with what a service knows at midnight before that day.
"""

import sys
import time

import numpy as np

import feed
import front_page
import secateur
import shop
from secateur.auc import auc
from secateur.serving.scorer import Scorer
from secateur.snapshot.keyed_tables import StoredSnapshot

REQUESTS = {
    "short_video": feed.requests,
    "short_video_click": feed.requests,
    "ecommerce": shop.requests,
    "news": front_page.requests,
}


def main(uri: str) -> None:
    """Pull, verify, score."""
    started = time.perf_counter()
    release = secateur.pull(uri)
    scorer = secateur.load(release)  # re-scores the release's golden rows
    say(
        f"pulled and verified release {release.manifest.number} of {uri} "
        f"({release.manifest.bytes:,} bytes) in {time.perf_counter() - started:.2f} s"
    )
    scenario, label = scorer.schema.scenario, scorer.schema.label
    if scenario not in REQUESTS:
        say(f"no log of {scenario} is bundled to score")
        return
    rows, labels = REQUESTS[scenario](label)
    columns = {field.name: [row[field.name] for row in rows] for field in scorer.schema.inputs}
    began = time.perf_counter()
    scores = scorer.score(columns)
    seconds = time.perf_counter() - began
    say(
        f"scored {len(scores):,} raw rows in {seconds:.2f} s, {len(scores) / seconds:,.0f} rows/s; "
        f"AUC against what users did: {auc(np.array(labels, np.int8), scores):.4f}"
    )
    recommend(uri, scorer, rows[-1])


def recommend(uri: str, scorer: Scorer, row: dict[str, object]) -> None:
    """Rank all items for one user, by what the published snapshot knows of both."""
    snapshot = StoredSnapshot(secateur.pull_snapshot(uri).folder)
    scorer.use_snapshot(snapshot)
    asked = {f.name for f in scorer.schema.inputs if f.owner == "context"} | {snapshot.meaning.user}
    began = time.perf_counter()
    best = scorer.rank({name: row[name] for name in asked}, k=3)
    milliseconds = 1000 * (time.perf_counter() - began)
    words = ", ".join(f"{item} ({score:.2f})" for item, score in best)
    say(
        f"best of {len(snapshot.items)} items for one user, by ids and context alone and the "
        f"snapshot of {snapshot.meaning.last_day}: {words}, in {milliseconds:.0f} ms"
    )


def say(line: str) -> None:
    """Tell the terminal."""
    sys.stdout.write(f"service: {line}\n")


if __name__ == "__main__":
    main(sys.argv[1])
