"""Microseconds a request: what pruning saves, what saying a user once saves, what encoding takes.

    python infra/bench/latency.py [--folder FOLDER] [--candidate hybrid_tiny] [--output PAGE]

FOLDER holds a night of `infra/bench/run.py` (else its packages are made anew). One process, one
thread; rounds of requests in turns, so that noise falls on all alike. Requests are rows of the tune
days: one user with as many of the following rows' items.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

import run
from secateur import artifacts
from secateur.contracts.candidates import DENSE
from secateur.contracts.features import FeatureSchema
from secateur.contracts.judgement import BATCHES
from secateur.judgement.latency import REQUESTS, Call, interleaved
from secateur.judgement.scoring import Columns, read_rows, request
from secateur.model.bundle import load_bundle
from secateur.model.data.inputs import Inputs
from secateur.serving.encoding.catalogue_items import Items
from secateur.serving.scorer import Scorer, load

SCENARIO = "short_video"
SECONDS = 2.0  # for the calls of one table at one batch size

Requests = list[dict[str, Any]]
Places = NDArray[np.int64]
Calls = dict[str, Call]
Hold = Callable[[object], object]  # a column as a caller may hold it


def main() -> None:
    """Measure and write the page."""
    flags = argparse.ArgumentParser(description=__doc__)
    flags.add_argument("--folder", type=Path, default=None)
    flags.add_argument("--candidate", default="hybrid_tiny")
    flags.add_argument("--output", type=Path, default=Path(__file__).with_suffix(".md"))
    arguments = flags.parse_args()
    with tempfile.TemporaryDirectory(prefix="secateur-bench-") as temporary:
        folder = arguments.folder or Path(temporary)
        if arguments.folder is None:
            list(run.packages(SCENARIO, folder))
        page = "\n".join(figures(folder, arguments.candidate))
    arguments.output.write_text(page + "\n")


def figures(folder: Path, candidate: str) -> Iterator[str]:
    """The page, line by line."""
    scorers = {name: load(folder / "candidates" / name / "package") for name in (DENSE, candidate)}
    requests = {batch: requests_of(folder, batch) for batch in BATCHES}
    whole = artifacts.open_artifact(
        (folder / "candidates" / candidate / "package").as_uri(), "Package"
    )
    yield "# Latency of a request\n"
    yield f"Command: `make bench-latency` (scenario {SCENARIO}, candidate {candidate})  "
    yield f"Machine: {run.machine()}; one thread\n"
    yield "Microseconds, p50 and p99; *times* is how many times quicker by the median than the "
    yield "first line of its table at that batch size.\n"
    yield "## The model's part: ids in, scores out\n"
    yield "*For every row*: user and context are said again for each candidate, as training has"
    yield "them. *Once*: they are looked up and multiplied once, and added to every candidate's.\n"
    yield from table({b: model_calls(folder, scorers, r) for b, r in requests.items()})
    yield "\n## The whole request: raw values in, scores out\n"
    yield "*Text*: item columns are lists of text. *Numbers*: lists of int, float and text."
    yield "*Arrays*: numpy arrays of these. The first line says user and context for every row."
    yield "*Beforehand*: the request names its items by their places in a prepared catalogue.\n"
    yield from table({b: request_calls(scorers, r, b) for b, r in requests.items()})
    yield f"\n{candidate} is a package of {whole.manifest.bytes:,} bytes."


def requests_of(folder: Path, batch: int) -> Requests:
    """Requests of so many candidates, spread over the tune days."""
    features = artifacts.open_artifact((folder / "features").as_uri(), "FeatureSet")
    rows = read_rows(folder / "features" / "tune", features.read("schema.json", FeatureSchema))
    starts = np.linspace(0, len(rows), REQUESTS, endpoint=False, dtype=int)
    return [request(rows, int(start), batch) for start in starts]


def model_calls(folder: Path, scorers: Mapping[str, Scorer], requests: Requests) -> Calls:
    """The model's part of each engine and form by name."""
    calls = {"dense, PyTorch eager, for every row": torch_call(folder, scorers[DENSE], requests)}
    for name, scorer in scorers.items():
        once = [scorer.encode(columns, hashed=True) for columns in requests]
        every = [scorer.repeated(encoded) for encoded in once]
        calls[f"{name}, for every row"] = in_turn(scorer.score_ids, every)
        calls[f"{name}, once"] = in_turn(scorer.score_ids, once)
    return calls


def torch_call(folder: Path, scorer: Scorer, requests: Requests) -> Call:
    """The dense bundle in eager PyTorch, on the ids that the dense package makes."""
    torch.set_num_threads(1)
    model = load_bundle(artifacts.open_artifact((folder / "dense").as_uri(), "ModelBundle"))
    inputs = [Inputs.of_ids(torch.from_numpy(scorer.ids_of(columns))) for columns in requests]

    def score(given: Inputs) -> object:
        with torch.inference_mode():
            return torch.sigmoid(model(given))

    return in_turn(score, inputs)


def request_calls(scorers: Mapping[str, Scorer], requests: Requests, batch: int) -> Calls:
    """Whole requests of each package, by how the item columns are held."""
    dense = scorers[DENSE]
    forms: dict[str, Hold] = {"text": as_is, "numbers": plain, "arrays": array}
    text = requests

    def for_every_row(i: int) -> object:
        return dense.score_ids(dense.repeated(dense.encode(text[i % REQUESTS], hashed=True)))

    calls: Calls = {f"{DENSE}, text, for every row": for_every_row}
    for form, hold in forms.items():
        held = [{name: hold(column) for name, column in one.items()} for one in requests]
        for name, scorer in scorers.items():
            calls[f"{name}, {form}"] = in_turn(partial(scorer.score, hashed=True), held)
    places = np.arange(len(requests) * batch).reshape(-1, batch)
    for name, scorer in scorers.items():
        users, items = prepared(scorer, requests)

        def call(given: tuple[Columns, Places], s: Scorer = scorer, i: Items = items) -> object:
            user, own = given
            return s.score(user, hashed=True, items=i.take(own))

        calls[f"{name}, items encoded beforehand"] = in_turn(
            call, list(zip(users, places, strict=True))
        )
    return calls


def prepared(scorer: Scorer, requests: Requests) -> tuple[Requests, Items]:
    """What is left of each request, and the items of all requests, one after the other."""
    owned = {field.name for field in scorer.schema.inputs if field.owner == "item"}
    users = [{n: column for n, column in one.items() if n not in owned} for one in requests]
    columns = {name: [value for one in requests for value in one[name]] for name in owned}
    return users, scorer.prepare(columns)


def in_turn(call: Callable[[Any], object], given: Sequence[Any]) -> Call:
    """Call it with one after another."""
    return lambda i: call(given[i % REQUESTS])


def as_is(column: object) -> object:
    """What the FeatureSet has: text, and floats."""
    return column


def plain(column: object) -> object:
    """A list with whole numbers as int."""
    return [number(value) for value in column] if isinstance(column, list) else column


def array(column: object) -> object:
    """An array, of numbers where all values are."""
    values = plain(column)
    if not isinstance(values, list):
        return values
    numbers = all(isinstance(value, int | float) for value in values)
    return np.array(values, None if numbers else object)


def number(value: object) -> object:
    """Text of digits as an int; all else as it is."""
    whole = isinstance(value, str) and value.isascii() and value.isdigit()
    return int(value) if whole and str(int(value)) == value else value  # type: ignore[call-overload]


def table(by_batch: Mapping[int, Calls]) -> Iterator[str]:
    """Time all calls; a line a call, with every batch size beside each other."""
    yield "| | " + " | ".join(f"b={b} p50 | p99 | times" for b in by_batch) + " |"
    yield "|---|" + "--:|--:|--:|" * len(by_batch)
    cells: dict[str, list[str]] = {}
    for calls in by_batch.values():
        taken = interleaved([*calls.values()], SECONDS)
        baseline = float(np.median(taken[0]))
        for name, times in zip(calls, taken, strict=True):
            p50, p99 = np.percentile(times, (50, 99)) / 1000
            times_quicker = f"{baseline / 1000 / p50:.1f}"
            cells.setdefault(name, []).extend([f"{p50:.0f}", f"{p99:.0f}", times_quicker])
    for name, line in cells.items():
        yield f"| {name} | " + " | ".join(line) + " |"


if __name__ == "__main__":
    main()
