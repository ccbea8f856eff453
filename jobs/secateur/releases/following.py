"""A scorer that follows a channel: it changes itself when the channel moves, forward or back.

A new release is copied, verified and loaded beside the one that serves, and takes over once its
golden rows score as they should; where anything is wrong the old one goes on. Requests that have
begun end with the scorer that they began with.
"""

import contextlib
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from secateur.contracts.errors import StoreError, UsageError
from secateur.releases.catalogue import Catalogue
from secateur.releases.layout import snapshots_uri, uri_of
from secateur.releases.pulling import PulledRelease, demand_fresh, pull_from
from secateur.releases.reading.cache import default_root
from secateur.releases.signing import Trust
from secateur.snapshot.keyed_tables import StoredSnapshot

if TYPE_CHECKING:
    from secateur.contracts.features import FeatureSchema
    from secateur.serving.encoding.catalogue_items import Items
    from secateur.serving.encoding.plain_columns import Table
    from secateur.serving.encoding.request_columns import Columns
    from secateur.serving.scorer import Scorer, Scores

log = logging.getLogger("secateur.releases")

EVERY_S, LONGEST_S = 30.0, 30 * 86_400.0
_MODELS, _SNAPSHOTS = "models", "snapshots"
OnSwap = Callable[["Scorer", PulledRelease], None]


@dataclass(frozen=True)
class Reader:
    """What a service reads with: the arguments of `pull` and of `load`.

    With `snapshot`, the feature snapshot of the channel's name is followed too.
    """

    cache: str | Path | None = None
    verify_keys: Sequence[str] | None = None
    id_key: bytes | str | None = None
    threads: int = 1
    snapshot: bool = False
    max_age_hours: float | None = None


@dataclass(frozen=True)
class FollowStatus:
    """What a service may want to watch.

    `confirmed_s` is how many seconds ago the store last told what the channel serves, and `error`
    what is wrong since, empty where nothing is; `swaps` and `failures` are counts.
    """

    release: int
    epoch: int
    swaps: int
    failures: int
    confirmed_s: float
    error: str


@dataclass(frozen=True)
class _Loaded:
    """A release with its scorer, changed both at once."""

    scorer: "Scorer"
    release: PulledRelease


class FollowingScorer:
    """The scorer of what a channel serves now. Safe between threads, and in workers that fork."""

    def __init__(
        self, uri: str, channel: str, reader: Reader, every_s: float, on_swap: OnSwap | None
    ) -> None:
        self.every_s = every_s
        self._uri, self._channel, self._reader, self._on_swap = uri, channel, reader, on_swap
        self._cache = Path(reader.cache) if reader.cache else default_root()
        self._trust = Trust.of(reader.verify_keys)
        self._tags = {_MODELS: "", _SNAPSHOTS: ""}
        self._left: dict[str, str] = {}  # what was wrong with what a channel serves
        self._restarting = threading.Lock()
        self._confirmed = time.monotonic()
        self._catalogues = self._open()
        self._snapshot = self._pull(_SNAPSHOTS, offline=True) if reader.snapshot else None
        self._loaded = self._load(self._pull(_MODELS, offline=True))
        self._counts = FollowStatus(0, 0, 0, 0, 0.0, "")
        self._start()

    @property
    def scorer(self) -> "Scorer":
        """The scorer as it is now; it stays what it is while the follower moves on."""
        return self._now().scorer

    @property
    def release(self) -> PulledRelease:
        """The release that is served now."""
        return self._now().release

    @property
    def scorer_and_release(self) -> "tuple[Scorer, PulledRelease]":
        """Both, of one moment."""
        now = self._now()
        return now.scorer, now.release

    @property
    def schema(self) -> "FeatureSchema":
        """The present scorer's schema."""
        return self.scorer.schema

    def score(
        self, columns: "Columns | Table", *, hashed: bool = False, items: "Items | None" = None
    ) -> "Scores":
        """As `Scorer.score`."""
        return self.scorer.score(columns, hashed=hashed, items=items)

    def score_tasks(
        self, columns: "Columns | Table", *, hashed: bool = False, items: "Items | None" = None
    ) -> "dict[str, Scores]":
        """As `Scorer.score_tasks`."""
        return self.scorer.score_tasks(columns, hashed=hashed, items=items)

    @property
    def status(self) -> FollowStatus:
        """What it serves, and how it goes."""
        pointer = self.release.pointer
        return replace(
            self._counts,
            release=self.release.manifest.number,
            epoch=pointer.epoch if pointer else 0,
            confirmed_s=time.monotonic() - self._confirmed,
        )

    def look(self) -> bool:
        """Ask the store now; True where another release has taken over.

        What goes wrong, also in `on_swap`, is logged and told by `status`, and never raised.
        """
        self._now()
        with self._looking:
            before = self._loaded.scorer
            steps = [self._follow_models, self._demand_fresh]
            if self._reader.snapshot:
                # First: a model may need the snapshot that its night published beside it.
                steps.insert(0, self._follow_snapshots)
            wrong = [error for step in steps if (error := self._try(step))]
            told = "; ".join(dict.fromkeys([*wrong, *self._left.values()]))
            failures = self._counts.failures + bool(wrong)
            self._counts = replace(self._counts, failures=failures, error=told)
            return self._loaded.scorer is not before

    def _try(self, step: Callable[[], None]) -> str:
        """What went wrong in a step, empty where nothing did."""
        try:
            step()
        except Exception as error:  # of `on_swap` too: the watching must go on
            log.warning("%s goes on with release %d: %s", self._uri, self._number, error)
            return str(error) or type(error).__name__
        return ""

    def close(self) -> None:
        """Stop looking; the scorer stays."""
        self._closed.set()

    def __enter__(self) -> "FollowingScorer":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _number(self) -> int:
        return self._loaded.release.manifest.number

    def _now(self) -> _Loaded:
        if self._process != os.getpid():
            with self._restarting:
                if self._process != os.getpid():
                    self._restart()
        return self._loaded

    def _restart(self) -> None:
        """In a forked worker: its parent's thread stayed behind, and so do its connections."""
        is_closed = self._closed.is_set()
        self._catalogues = self._open()
        self._start()
        if is_closed:
            self._closed.set()

    def _start(self) -> None:
        self._looking, self._closed = threading.Lock(), threading.Event()
        self._process = os.getpid()
        if self.every_s > 0:
            threading.Thread(target=self._watch, daemon=True, name="secateur-follow").start()

    def _watch(self) -> None:
        closed, process = self._closed, self._process
        # Not all workers of a service at one moment.
        while not closed.wait(self.every_s * random.uniform(0.8, 1.2)) and process == os.getpid():
            self.look()

    def _open(self) -> dict[str, Catalogue]:
        uris = {_MODELS: self._uri, _SNAPSHOTS: snapshots_uri(self._uri)}
        return {kind: Catalogue.at(uri, self._trust) for kind, uri in uris.items()}

    def _pull(self, kind: str, *, offline: bool = False) -> PulledRelease:
        return pull_from(self._catalogues[kind], self._cache, self._channel, offline=offline)

    def _demand_fresh(self) -> None:
        if pointer := self._loaded.release.pointer:
            demand_fresh(pointer, self._uri)

    def _follow_models(self) -> None:
        with self._when_moved(_MODELS) as moved:
            if not moved:
                return
            release = self._pull(_MODELS)
            is_new = release.folder != self._loaded.release.folder
            loaded = self._load(release) if is_new else replace(self._loaded, release=release)
            if is_new and self._on_swap is not None:
                self._on_swap(loaded.scorer, release)
            self._loaded = loaded
            self._counts = replace(self._counts, swaps=self._counts.swaps + is_new)
        if is_new:
            log.info("%s: release %d has taken over", self._uri, release.manifest.number)

    def _follow_snapshots(self) -> None:
        with self._when_moved(_SNAPSHOTS) as moved:
            if moved:
                self._snapshot = self._pull(_SNAPSHOTS)
                if _MODELS in self._left:
                    self._tags[_MODELS] = ""  # what did not fit the last one may fit this one
                stored = StoredSnapshot(self._snapshot.folder)
                self._loaded.scorer.use_snapshot(stored, self._reader.max_age_hours)

    @contextlib.contextmanager
    def _when_moved(self, kind: str) -> Iterator[bool]:
        """Whether the channel has moved since it was last dealt with.

        What the store or this machine did not give is tried again; what is wrong is left, and told,
        until it moves again.
        """
        changed = self._catalogues[kind].pointer_unless(self._channel, self._tags[kind])
        if kind == _MODELS:
            self._confirmed = time.monotonic()
        try:
            yield changed is not None
        except (StoreError, OSError, MemoryError):
            raise
        except Exception as error:
            self._left[kind] = str(error) or type(error).__name__
            self._tags[kind] = changed.tag if changed else self._tags[kind]
            raise
        if changed is not None:
            self._left.pop(kind, None)
            self._tags[kind] = changed.tag

    def _load(self, release: PulledRelease) -> _Loaded:
        from secateur.serving.scorer import load

        reader = self._reader
        scorer = load(
            release,
            id_key=reader.id_key,
            threads=reader.threads,
            snapshot=self._snapshot,
            max_age_hours=reader.max_age_hours,
        )
        return _Loaded(scorer, release)


def follow(
    uri: str | os.PathLike[str],
    channel: str = "latest",
    reader: Reader | None = None,
    *,
    every_s: float = EVERY_S,
    on_swap: OnSwap | None = None,
) -> FollowingScorer:
    """A scorer of what `channel` serves, which looks every `every_s` seconds whether it moved.

    Where the store is away at the start, it goes on with what was verified last. `on_swap` is
    called with the new scorer and release before they take over, to prepare a catalogue, say; what
    it raises keeps the old one. With `every_s=0` only `look` looks. The first release raises what
    `pull` and `load` do.
    """
    if not 0 <= every_s <= LONGEST_S:
        raise UsageError(f"every_s is 0 to {LONGEST_S:,.0f} seconds, not {every_s}")
    return FollowingScorer(uri_of(uri), channel, reader or Reader(), every_s, on_swap)
