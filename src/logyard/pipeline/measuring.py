"""Counters and histograms of records, by labels: what the step ``aggregate`` keeps, and shows at ``/metrics``."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate
from threading import Lock
from typing import Final, Literal, NamedTuple

import msgspec
import polars as pl
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

from logyard.errors import BadConfig
from logyard.language.condition import condition
from logyard.pipeline.fields import text

__all__ = ["Amount", "Measure", "MeasureConfig", "Measures"]

_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_UNFIT: Final = re.compile(r"[^a-zA-Z0-9_]")
_OTHERS: Final = "(others)"


class MeasureConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``name``: of the metric. ``type``: ``counter`` counts records, or sums ``field`` where one is named;
    ``histogram`` sorts the values of ``field`` into ``buckets`` (upper bounds). ``by``: fields that become labels.
    ``where``: LogsQL filter of the records that count. ``most_series``: different labels; of more, all further ones are
    one series.
    """

    name: str
    type: Literal["counter", "histogram"] = "counter"
    field: str = ""
    by: tuple[str, ...] = ()
    where: str = "*"
    buckets: tuple[float, ...] = (1, 5, 10, 50, 100, 500, 1000, 5000, 10_000)
    most_series: int = 1000


class Amount(NamedTuple):
    """What some records come to."""

    labels: Mapping[str, str]
    records: int
    total: float


class _Series:
    def __init__(self, buckets: int) -> None:
        self.count = 0
        self.sum = 0.0
        self.buckets = [0] * (buckets + 1)


class Measure:
    """One metric. Any thread."""

    def __init__(self, config: MeasureConfig) -> None:
        """Raises ``BadConfig``."""
        if not _NAME.fullmatch(config.name):
            raise BadConfig(f"{config.name!r} is no name of a metric: letters, digits, _ and :", path="name")
        if config.type == "histogram" and not config.field:
            raise BadConfig("a histogram needs a field", path="field")
        if list(config.buckets) != sorted(set(config.buckets)):
            raise BadConfig("buckets must rise", path="buckets")
        self.config = config
        self._matches = condition(config.where)
        self._series: dict[tuple[str, ...], _Series] = {}
        self._lock = Lock()

    def take(self, frame: pl.DataFrame) -> list[Amount]:
        """Count the records; what they come to, by labels."""
        table = self._table(frame.filter(self._matches(frame)))
        if not table.height:
            return []
        names = [str(place) for place in range(len(self.config.by))]
        groups = table.group_by(names or pl.lit(0), maintain_order=True).agg("value")
        amounts = []
        with self._lock:
            for *labels, values in groups.select(*names, "value").iter_rows():
                self._add(tuple(labels), values)
                given = dict(zip(self.config.by, labels, strict=True))
                amounts.append(Amount(given, len(values), float(sum(values))))
        return amounts

    def family(self) -> Metric:
        """What a scrape gets."""
        labels = [_UNFIT.sub("_", name) for name in self.config.by]
        about = (
            f"Records that match {self.config.where}." if not self.config.field else f"{self.config.field} of records."
        )
        if self.config.type == "counter":
            total = CounterMetricFamily(self.config.name, about, labels=labels)
            for key, series in self._taken():
                total.add_metric(list(key), series.sum if self.config.field else series.count)
            return total
        family = HistogramMetricFamily(self.config.name, about, labels=labels)
        bounds = [*map(floatToGoString, self.config.buckets), "+Inf"]
        for key, series in self._taken():
            family.add_metric(list(key), list(zip(bounds, accumulate(series.buckets), strict=True)), series.sum)
        return family

    def _table(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Labels and values; a record whose field is no number does not count."""
        labels = [text(frame, name).alias(str(place)) for place, name in enumerate(self.config.by)]
        if not self.config.field:
            return pl.DataFrame([*labels, pl.Series("value", [1.0]).new_from_index(0, frame.height)])
        values = text(frame, self.config.field).cast(pl.Float64, strict=False).alias("value")
        return pl.DataFrame([*labels, values]).filter(pl.col("value").is_finite())

    def _add(self, key: tuple[str, ...], values: list[float]) -> None:
        if key not in self._series and len(self._series) >= self.config.most_series:
            key = (_OTHERS,) * len(key)
        series = self._series.setdefault(key, _Series(len(self.config.buckets)))
        series.count += len(values)
        series.sum += sum(values)
        if self.config.type == "histogram":
            for value in values:
                series.buckets[bisect_left(self.config.buckets, value)] += 1

    def _taken(self) -> list[tuple[tuple[str, ...], _Series]]:
        with self._lock:
            return list(self._series.items())


class Measures(Collector):
    """Several metrics, for a scrape."""

    def __init__(self, measures: tuple[Measure, ...]) -> None:
        """``measures`` have different names."""
        self._measures = measures

    def describe(self) -> Iterator[Metric]:
        """Nothing is asked before a scrape."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What a scrape gets."""
        return (measure.family() for measure in self._measures)
