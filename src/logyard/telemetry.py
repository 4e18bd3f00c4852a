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
from collections.abc import Callable, Iterable
from typing import ClassVar, cast

import msgspec
from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

__all__ = ["Event", "Telemetry"]

_log = logging.getLogger("logyard")
_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened. Subclasses say what."""

    severity: ClassVar[int] = logging.DEBUG


class _Instruments:
    """The metrics of one kind of event, made once, when the first of its kind happens."""

    def __init__(self, kind: type[Event], registry: CollectorRegistry) -> None:
        fields = msgspec.structs.fields(kind)
        names = {field.name for field in fields}
        self.labels = tuple(field.name for field in fields if field.type is str)
        self.stem = "logyard_" + re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        about = (kind.__doc__ or kind.__name__).partition("\n")[0]
        self.total = self._counter("", about, registry)
        self.size = self._counter("_bytes", about, registry) if "bytes" in names else None
        self.seconds = None
        if "seconds" in names:
            self.seconds = Histogram(self.stem + "_seconds", about, self.labels, registry=registry, buckets=_SECONDS)
        self._children: dict[tuple[str, ...], tuple[Counter, Counter | None, Histogram | None]] = {}

    def _counter(self, suffix: str, about: str, registry: CollectorRegistry) -> Counter:
        return Counter(self.stem + suffix, about, self.labels, registry=registry)

    def record(self, event: Event) -> None:
        """Count one event."""
        labels = tuple([getattr(event, name) for name in self.labels])
        children = self._children.get(labels)
        if children is None:
            children = self._children[labels] = self._made(labels)
        total, size, seconds = children
        total.inc(getattr(event, "count", 1))
        if size is not None:
            size.inc(cast("int", getattr(event, "bytes", 0)))
        if seconds is not None:
            seconds.observe(cast("float", getattr(event, "seconds", 0.0)))

    def _made(self, labels: tuple[str, ...]) -> tuple[Counter, Counter | None, Histogram | None]:
        """The children for these labels: looking them up is most of the cost of counting."""
        if not labels:
            return self.total, self.size, self.seconds
        size = self.size.labels(*labels) if self.size is not None else None
        seconds = self.seconds.labels(*labels) if self.seconds is not None else None
        return self.total.labels(*labels), size, seconds


class _Gauges(Collector):
    """Values that are asked for at the moment of a scrape."""

    def __init__(self) -> None:
        self.readers: list[tuple[str, str, Callable[[], float]]] = []
        self.families: list[tuple[str, str, Callable[[], Iterable[tuple[str, float]]]]] = []

    def collect(self) -> list[GaugeMetricFamily]:
        families = []
        for name, about, read in self.readers:
            family = GaugeMetricFamily(name, about)
            family.add_metric([], read())
            families.append(family)
        for name, about, read_each in self.families:
            family = GaugeMetricFamily(name, about, labels=["path"])
            for path, value in read_each():
                family.add_metric([path], value)
            families.append(family)
        return families


class Telemetry:
    """One per process; handed to whoever has something to say. Any thread."""

    def __init__(self) -> None:
        """Starts with nothing counted."""
        # A second series for each counter, which nobody asks for.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._gauges = _Gauges()
        self._registry.register(self._gauges)
        self._kinds: dict[type[Event], _Instruments] = {}

    def emit(self, event: Event) -> None:
        """Count it, and log it when its kind is worth a line."""
        instruments = self._kinds.get(type(event))
        if instruments is None:
            instruments = self._kinds[type(event)] = _Instruments(type(event), self._registry)
        instruments.record(event)
        if event.severity > logging.DEBUG:
            fields = msgspec.structs.asdict(event)
            text = " ".join(f"{name}={value}" for name, value in fields.items())
            _log.log(event.severity, "%s %s", type(event).__name__, text, extra={"event": fields})

    def watch(self, name: str, about: str, read: Callable[[], float]) -> None:
        """Ask ``read`` for a gauge's value at each scrape. It must be cheap and must not raise."""
        self._gauges.readers.append((name, about, read))

    def watch_each(self, name: str, about: str, read: Callable[[], Iterable[tuple[str, float]]]) -> None:
        """The same for values that belong to paths. ``read`` must give few of them: each is a series."""
        self._gauges.families.append((name, about, read))

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
