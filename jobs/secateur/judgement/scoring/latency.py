"""Microseconds a call of two scorers, in turns, so that noise falls on both alike.

A turn is a round of many requests: a service runs one model, which finds in the caches what its own
last call left there, and not what another model's weights left of it.
"""

import gc
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from secateur.contracts.judgement import BATCHES, Latency
from secateur.judgement.scoring.client_scoring import ClientScorer, HeldOutRows, RawColumns, request

WARM_UP = 10  # rounds before the clock starts
REQUESTS = 50  # different requests in turn: one alone would sit in the cache
TURNS = 4  # at least: where others slow the machine down, one turn each would tell of them alone
SECONDS = 0.5  # for each batch size and part, unless so many turns take longer

Call = Callable[[int], object]
Nanoseconds = NDArray[np.int64]


def measure_latency(
    scorers: Sequence[ClientScorer], rows: HeldOutRows
) -> list[tuple[Latency, ...]]:
    """Latencies of each scorer at every batch size of `BATCHES`, on requests made of the rows [n].

    Timed are the model alone, whose request columns are given once; the whole request; and the
    model whose request columns are repeated for every row.
    """
    by_batch = [_at_batch(scorers, rows, batch) for batch in BATCHES]
    return [tuple(of_scorer) for of_scorer in zip(*by_batch, strict=True)]


def _at_batch(scorers: Sequence[ClientScorer], rows: HeldOutRows, batch: int) -> list[Latency]:
    starts = np.linspace(0, len(rows), REQUESTS, endpoint=False, dtype=int)
    requests = [request(rows, int(start), batch) for start in starts]
    of_model, of_request, of_repeated = (
        time_in_turns([call(scorer, requests) for scorer in scorers], SECONDS)
        for call in (_model_call, _request_call, _repeated_call)
    )
    return [
        Latency(batch, *_percentiles(model), *_percentiles(whole), *_percentiles(repeated))
        for model, whole, repeated in zip(of_model, of_request, of_repeated, strict=True)
    ]


def _model_call(scorer: ClientScorer, requests: Sequence[RawColumns]) -> Call:
    ids = [scorer.encode(columns, hashed=True) for columns in requests]
    return lambda i: scorer.score_ids(ids[i % REQUESTS])


def _repeated_call(scorer: ClientScorer, requests: Sequence[RawColumns]) -> Call:
    ids = [scorer.repeat_request(scorer.encode(columns, hashed=True)) for columns in requests]
    return lambda i: scorer.score_ids(ids[i % REQUESTS])


def _request_call(scorer: ClientScorer, requests: Sequence[RawColumns]) -> Call:
    return lambda i: scorer.score(requests[i % REQUESTS], hashed=True)


def time_in_turns(calls: Sequence[Call], seconds: float) -> list[Nanoseconds]:
    """Time a round of every call in turn, the order reversed every time, for `seconds` in all.

    Gives the nanoseconds (int64) of every run, call by call.
    """
    for i in range(WARM_UP):
        for call in calls:
            call(i)
    taken: list[list[int]] = [[] for _ in calls]
    turns = list(zip(calls, taken, strict=True))
    deadline = time.perf_counter() + seconds
    gc.disable()
    try:
        while len(taken[0]) < TURNS * REQUESTS or time.perf_counter() < deadline:
            for call, times in turns:
                for i in range(REQUESTS):
                    start = time.perf_counter_ns()
                    call(i)
                    times.append(time.perf_counter_ns() - start)
            turns.reverse()
    finally:
        gc.enable()
    return [np.array(times) for times in taken]


def _percentiles(taken: Nanoseconds) -> tuple[float, float]:
    """The median and the 99th percentile of nanoseconds [n], in microseconds."""
    p50, p99 = np.percentile(taken, (50, 99)) / 1000
    return round(float(p50), 1), round(float(p99), 1)
