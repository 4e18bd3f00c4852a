"""What the process says about itself: named events, counted for Prometheus and logged when somebody should know.

An event is a frozen struct. Its class name names the metric (``RecordsRefused`` counts in
``logyard_records_refused_total``), its ``str`` fields are the labels, ``count`` is what is added (1 without one),
``bytes`` goes to a second counter and ``seconds`` to a histogram. So a new event is three lines and can be alerted on
at once. Emit per batch, never per record, and never label with what a stranger chose freely.

Severity: ERROR means that data was lost or that somebody must act; WARNING that something was refused or tried again;
everything else only counts.
"""

import logging
import re
import threading
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from operator import attrgetter
from typing import ClassVar, cast

import msgspec
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

__all__ = ["Event", "Telemetry"]

_log = logging.getLogger("logyard")
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened. Subclasses say what."""

    severity: ClassVar[int] = logging.DEBUG


class _Series:
    """What was counted under one set of labels. Any thread."""

    __slots__ = ("buckets", "count", "lock", "seconds", "size")

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.count = 0.0
        self.size = 0.0
        self.seconds = 0.0
        self.buckets = [0] * (len(_SECONDS) + 1)


class _Instruments(Collector):
    """The metrics of one kind of event, made when the first of its kind happens.

    Counted in plain numbers and turned into metric families at a scrape: requests come by the thousand, scrapes by the
    minute. (The client library's counter and histogram cost 2.6 us an event, this 1.3.)
    """

    def __init__(self, kind: type[Event]) -> None:
        fields = msgspec.structs.fields(kind)
        names = {field.name for field in fields}
        self._labels = [field.name for field in fields if field.type is str]
        self._stem = "logyard_" + re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        self._about = (kind.__doc__ or kind.__name__).partition("\n")[0]
        self._key: Callable[[Event], object] = attrgetter(*self._labels) if self._labels else _no_label
        self._count: Callable[[Event], float] = attrgetter("count") if "count" in names else _one
        self._size: Callable[[Event], float] | None = attrgetter("bytes") if "bytes" in names else None
        self._seconds: Callable[[Event], float] | None = attrgetter("seconds") if "seconds" in names else None
        self._series: dict[object, _Series] = {}

    def announce(self, event: Event) -> _Series:
        """What is counted under the labels of such an event."""
        return self._series.setdefault(self._key(event), _Series())

    def record(self, event: Event) -> None:
        """Count one event."""
        series = self._series.get(self._key(event)) or self.announce(event)
        with series.lock:
            series.count += self._count(event)
            if self._size is not None:
                series.size += self._size(event)
            if self._seconds is not None:
                seconds = self._seconds(event)
                series.seconds += seconds
                series.buckets[bisect_left(_SECONDS, seconds)] += 1

    def collect(self) -> Iterator[Metric]:
        """What a scrape gets."""
        total = CounterMetricFamily(self._stem, self._about, labels=self._labels)
        size = CounterMetricFamily(self._stem + "_bytes", self._about, labels=self._labels)
        seconds = HistogramMetricFamily(self._stem + "_seconds", self._about, labels=self._labels)
        for key, series in list(self._series.items()):
            labels = [key] if isinstance(key, str) else list(cast("tuple[str, ...]", key))
            with series.lock:
                total.add_metric(labels, series.count)
                size.add_metric(labels, series.size)
                counts = accumulate(series.buckets)
                bounds = [*map(floatToGoString, _SECONDS), "+Inf"]
                seconds.add_metric(labels, list(zip(bounds, counts, strict=True)), series.seconds)
        yield total
        if self._size is not None:
            yield size
        if self._seconds is not None:
            yield seconds


def _no_label(_: Event) -> object:
    return ()


def _one(_: Event) -> float:
    return 1


class _Gauges(Collector):
    """Values that are asked for at the moment of a scrape."""

    def __init__(self) -> None:
        self.readers: list[tuple[str, str, tuple[str, ...], Callable[[], Mapping[str, float]]]] = []

    def collect(self) -> list[GaugeMetricFamily]:
        families = []
        for name, about, labels, read in self.readers:
            family = GaugeMetricFamily(name, about, labels=labels)
            for value, amount in read().items():
                family.add_metric([value] if labels else [], amount)
            families.append(family)
        return families


class Telemetry:
    """One per process; handed to whoever has something to say. Any thread."""

    def __init__(self) -> None:
        """Starts with nothing counted."""
        self._registry = CollectorRegistry()
        self._gauges = _Gauges()
        self._registry.register(self._gauges)
        self._kinds: dict[type[Event], _Instruments] = {}
        self._making = threading.Lock()

    def emit(self, event: Event) -> None:
        """Count it, and log it when its kind is worth a line."""
        instruments = self._kinds.get(type(event))
        if instruments is None:
            instruments = self._made(type(event))
        instruments.record(event)
        if event.severity > logging.DEBUG:
            fields = msgspec.structs.asdict(event)
            text = " ".join(f"{name}={value}" for name, value in fields.items())
            _log.log(event.severity, "%s %s", type(event).__name__, text, extra={"event": fields})

    def announce(self, *events: Event) -> None:
        """Show the counters of such events before the first happens: at 0, so that a rate has a beginning."""
        for event in events:
            (self._kinds.get(type(event)) or self._made(type(event))).announce(event)

    def _made(self, kind: type[Event]) -> _Instruments:
        with self._making:
            instruments = self._kinds.get(kind)
            if instruments is None:
                instruments = _Instruments(kind)
                self._registry.register(instruments)
                self._kinds[kind] = instruments
            return instruments

    def watch(self, name: str, about: str, read: Callable[[], float]) -> None:
        """Ask ``read`` for a gauge's value at each scrape. It must be cheap and must not raise."""
        self._gauges.readers.append((name, about, (), lambda: {"": read()}))

    def watch_each(self, name: str, about: str, *, label: str, read: Callable[[], Mapping[str, float]]) -> None:
        """The same for a gauge of several values: ``read`` gives them by the values of ``label``."""
        self._gauges.readers.append((name, about, (label,), read))

    def include(self, collector: Collector) -> None:
        """Ask ``collector`` at each scrape: metrics whose names and labels only its owner knows."""
        self._registry.register(collector)

    def value(self, name: str, **labels: str) -> float:
        """The present value of a sample, 0.0 when it has none yet: for tests and for JSON metrics."""
        return self._registry.get_sample_value(name, labels) or 0.0

    def total(self, name: str) -> float:
        """The sum of a sample over all its labels."""
        samples = (sample for metric in self._registry.collect() for sample in metric.samples)
        return sum(sample.value for sample in samples if sample.name == name)

    def prometheus(self) -> bytes:
        """Prometheus text format 0.0.4."""
        return generate_latest(self._registry)
