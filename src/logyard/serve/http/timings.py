"""How long requests take: the event for the metrics, and the latest ones for percentiles in JSON."""

import math
from collections import deque
from typing import Final

import msgspec

from logyard.telemetry import Event, Telemetry

__all__ = ["HttpAnswered", "Latency", "Timings"]

_LATEST: Final = 4096


class HttpAnswered(Event, frozen=True, kw_only=True):
    """HTTP requests answered, by route template and class of status."""

    route: str
    status: str
    seconds: float


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """Of the latest requests, in milliseconds; 0 when there were none."""

    average: float
    p50: float
    p95: float
    p99: float


class Timings:
    """Every answered request is told here, once, on the event loop."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._latest: deque[float] = deque(maxlen=_LATEST)
        self.failed = 0
        """Answers with a status of 500 or more, but for 503 and 507."""

    def add(self, route: str, status: int, seconds: float) -> None:
        """``route`` is the template, never the path itself: labels are few."""
        self._latest.append(seconds)
        self.failed += status in {500, 501, 502, 504}
        self._telemetry.emit(HttpAnswered(route=route, status=f"{status // 100}xx", seconds=seconds))

    def latency(self) -> Latency:
        """Percentiles by nearest rank."""
        ordered = sorted(self._latest)
        if not ordered:
            return Latency(average=0.0, p50=0.0, p95=0.0, p99=0.0)

        def rank(share: float) -> float:
            return round(ordered[math.ceil(share * len(ordered)) - 1] * 1000, 3)

        average = round(sum(ordered) / len(ordered) * 1000, 3)
        return Latency(average=average, p50=rank(0.50), p95=rank(0.95), p99=rank(0.99))
