"""Microseconds a request: what pruning saves, what a user given once saves, what encoding takes.

`--folder` may name what `night` kept there; else packages are made anew. One process, one thread;
rounds of requests in turns, so that noise falls on all alike. Requests are rows of the tune days:
one user with as many of the following rows' items.
"""

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from bench.night.tune_requests import Requests, requests_of
from bench.night.verb_chain import run_to_packages
from bench.runner import Asked, Benchmark
from secateur import artifacts
from secateur.contracts.candidates import DENSE
from secateur.contracts.judgement import BATCHES
from secateur.judgement.scoring.client_scoring import RawColumns
from secateur.judgement.scoring.latency import REQUESTS, Call, time_in_turns
from secateur.model.bundle import load_bundle
from secateur.model.data.inputs import Inputs
from secateur.serving.encoding.catalogue_items import Items
from secateur.serving.scorer import Scorer, load

SCENARIO = "short_video"
SECONDS = 2.0  # for the calls of one table at one batch size

Positions = NDArray[np.int64]
Calls = dict[str, Call]
HeldAs = Callable[[object], object]  # how a caller may hold a column


def add_flags(flags: argparse.ArgumentParser) -> None:
    """Which candidate stands beside the dense package."""
    flags.add_argument("--candidate", default="hybrid_tiny")


def figures(asked: Asked) -> Iterator[str]:
    """The model's part, then the whole request."""
    folder, candidate = asked.folder, asked.candidate
    if not (folder / "candidates" / candidate / "package").exists():
        list(run_to_packages(SCENARIO, folder))
    packages = {name: folder / "candidates" / name / "package" for name in (DENSE, candidate)}
    scorers = {name: load(package) for name, package in packages.items()}
    requests = {batch: requests_of(folder, batch) for batch in BATCHES}
    yield f"Scenario {SCENARIO}, candidate {candidate}; one thread. Microseconds, p50 and p99;"
    yield "*times* is how many times quicker by the median than the first line of its table at"
    yield "that batch size.\n"
    yield "## The model's part: ids in, scores out\n"
    yield "*For every row*: user and context are given again for each candidate, as training has"
    yield "them. *Once*: they are looked up and multiplied once, and added to every candidate's.\n"
    yield from table({b: model_calls(folder, scorers, r) for b, r in requests.items()})
    yield "\n## The whole request: raw values in, scores out\n"
    yield "*Text*: item columns are lists of text. *Numbers*: lists of int, float and text."
    yield "*Arrays*: numpy arrays of these. The first line gives user and context for every row."
    yield "*Beforehand*: the request names its items by their positions in a prepared catalogue.\n"
    yield from table({b: request_calls(scorers, r, b) for b, r in requests.items()})
    package = artifacts.open_artifact(packages[candidate].as_uri(), "Package")
    yield f"\n{candidate} is a package of {package.manifest.bytes:,} bytes."


def model_calls(folder: Path, scorers: Mapping[str, Scorer], requests: Requests) -> Calls:
    """The model's part of each engine and form by name."""
    calls = {"dense, PyTorch eager, for every row": torch_call(folder, scorers[DENSE], requests)}
    for name, scorer in scorers.items():
        once = [scorer.encode(columns, hashed=True) for columns in requests]
        every = [scorer.repeat_request(encoded) for encoded in once]
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
    forms: dict[str, HeldAs] = {
        "text": lambda column: column,  # what the FeatureSet has: text, and floats
        "numbers": as_numbers,
        "arrays": as_array,
    }

    def for_every_row(i: int) -> object:
        return dense.score_ids(
            dense.repeat_request(dense.encode(requests[i % REQUESTS], hashed=True))
        )

    calls: Calls = {f"{DENSE}, text, for every row": for_every_row}
    for form, hold in forms.items():
        held = [{name: hold(column) for name, column in one.items()} for one in requests]
        for name, scorer in scorers.items():
            calls[f"{name}, {form}"] = in_turn(partial(scorer.score, hashed=True), held)
    positions = np.arange(len(requests) * batch).reshape(-1, batch)
    for name, scorer in scorers.items():
        users, items = prepare_items(scorer, requests)

        def call(
            given: tuple[RawColumns, Positions], s: Scorer = scorer, i: Items = items
        ) -> object:
            user, own = given
            return s.score(user, hashed=True, items=i.take(own))

        calls[f"{name}, items encoded beforehand"] = in_turn(
            call, list(zip(users, positions, strict=True))
        )
    return calls


def prepare_items(scorer: Scorer, requests: Requests) -> tuple[Requests, Items]:
    """What is left of each request, and the items of all requests, one after the other."""
    owned = {field.name for field in scorer.schema.inputs if field.owner == "item"}
    users = [{n: column for n, column in one.items() if n not in owned} for one in requests]
    columns = {name: [value for one in requests for value in one[name]] for name in owned}
    return users, scorer.prepare(columns)


def in_turn(call: Callable[[Any], object], given: Sequence[Any]) -> Call:
    """Call it with one after another."""
    return lambda i: call(given[i % REQUESTS])


def as_numbers(column: object) -> object:
    """A list with whole numbers as int."""
    return [number(value) for value in column] if isinstance(column, list) else column


def as_array(column: object) -> object:
    """An array, of numbers where all values are."""
    values = as_numbers(column)
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
        taken = time_in_turns([*calls.values()], SECONDS)
        baseline = float(np.median(taken[0]))
        for name, times in zip(calls, taken, strict=True):
            p50, p99 = np.percentile(times, (50, 99)) / 1000
            times_quicker = f"{baseline / 1000 / p50:.1f}"
            cells.setdefault(name, []).extend([f"{p50:.0f}", f"{p99:.0f}", times_quicker])
    for name, line in cells.items():
        yield f"| {name} | " + " | ".join(line) + " |"


BENCHMARK = Benchmark(
    title="Latency of a request",
    figures=figures,
    page=lambda _asked: "latency",
    add_flags=add_flags,
)
