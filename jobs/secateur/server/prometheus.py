"""What a server tells of itself to Prometheus."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

if TYPE_CHECKING:
    from secateur.releases.following import FollowStatus

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Metrics:
    """The metrics of one server, in a registry of their own."""

    def __init__(self, status: "Callable[[], FollowStatus]") -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        registry.register(_FollowerMetrics(status))
        self.requests = Counter(
            "secateur_requests", "Requests for scores, by the answer's code.", ["code"],
            registry=registry,
        )  # fmt: skip
        self.seconds = Histogram(
            "secateur_request_seconds", "From a request's first byte to its answer.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.rows = Counter("secateur_rows", "Candidates that were scored.", registry=registry)
        self.batches = Histogram(
            "secateur_batch_requests", "Requests that were scored together.",
            buckets=_SIZES, registry=registry,
        )  # fmt: skip
        self.in_flight = Gauge(
            "secateur_in_flight", "Requests that are being read, wait, or are scored.",
            registry=registry,
        )  # fmt: skip

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


class _FollowerMetrics:
    """What the follower of the channel counts, read when Prometheus asks."""

    def __init__(self, status: "Callable[[], FollowStatus]") -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        """The metrics as they are now."""
        status = self._status()
        gauges = {
            "secateur_release": ("The number of the release that is served.", status.release),
            "secateur_epoch": ("The epoch of the channel that is followed.", status.epoch),
            "secateur_confirmed_seconds": (
                "Seconds since the store last told what the channel serves.",
                status.confirmed_s,
            ),
        }
        for name, (meaning, value) in gauges.items():
            yield GaugeMetricFamily(name, meaning, value=value)
        yield CounterMetricFamily(
            "secateur_swaps", "Releases that have taken over.", value=status.swaps
        )
        yield CounterMetricFamily(
            "secateur_follow_failures", "Looks at the channel that failed.", value=status.failures
        )
