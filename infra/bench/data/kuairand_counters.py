"""What is counted of KuaiRand: sets of counters for the short video scenario."""

from collections.abc import Iterator, Sequence

Setting = dict[str, object]

USER = "user_id"
PRIORS = {"is_click": 0.4, "long_view": 0.31}
PRIOR_EVENTS = 10
ALONE = ((USER,), ("video_id",), ("author_id",))
TOGETHER = (
    *(("tab",), ("tag",), ("music_id",), ("video_id", "tab"), ("author_id", "tab")),
    *((USER, other) for other in ("tab", "tag", "author_id", "video_id", "video_type")),
)
GAPS = ((USER,), (USER, "tab"), (USER, "author_id"), (USER, "video_id"))
SIGNALS = {
    **{"is_like": 0.02, "is_follow": 0.001, "is_comment": 0.003, "is_forward": 0.001},
    **{"is_hate": 0.001, "is_profile_enter": 0.01},
}
STAYS = {1_000: 0.8, 3_000: 0.6, 10_000: 0.4, 20_000: 0.3, 60_000: 0.1, 120_000: 0.03}
STAYING = (*ALONE, (USER, "tab"), ("tab",))
_OF_NONE: Setting = {"owner": "context", "buckets": 10}


def counters(counted: str) -> list[Setting]:
    """The counters, by the name that they have on the page."""
    if counted.startswith("by"):
        return list(_rates(ALONE, freshness=counted.rpartition(" ")[2]))
    last = [one for n in (1, 2, 3, 5) for one in _rates(ALONE[:1], last=n, prior_events=1)]
    every: list[Setting] = [
        *_rates((*ALONE, *TOGETHER)),
        *(one | {"measures": ["rate"]} for one in last),
        *({"keys": key, **_OF_NONE, "prior_rate": 0.5, "measures": ["gap"]} for key in GAPS),
    ]
    if counted == "all":
        return every
    signals = [] if counted == "all, as numbers" else list(_signals())
    return [{**one, "kind": "number"} for one in (*every, *signals)]


def _rates(keys: Sequence[tuple[str, ...]], **settings: object) -> Iterator[Setting]:
    """Of both labels; their events are counted once."""
    for key in keys:
        for of, prior in PRIORS.items():
            measures = ["events", "rate"] if of == "is_click" else ["rate"]
            own: Setting = {"keys": key, "of": of, "prior_rate": prior, "measures": measures}
            yield {**own, "prior_events": PRIOR_EVENTS, **_OF_NONE, **settings}


def _signals() -> Iterator[Setting]:
    """How often they liked it and so on, and how often they stayed so many milliseconds."""
    signals: list[tuple[Sequence[tuple[str, ...]], Setting]] = [
        *((ALONE, {"of": of, "prior_rate": prior}) for of, prior in SIGNALS.items()),
        *(
            (STAYING, {"of": "play_time_ms", "at_least": stay, "prior_rate": prior})
            for stay, prior in STAYS.items()
        ),
    ]
    for keys, signal in signals:
        for key in keys:
            one: Setting = {"keys": key, **signal, "measures": ["rate"]}
            yield {**one, "prior_events": PRIOR_EVENTS, **_OF_NONE}
