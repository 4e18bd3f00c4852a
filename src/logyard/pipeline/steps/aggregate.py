"""Make metrics of records."""

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.model.schema import FRAME
from logyard.pipeline.measuring import Amount, Measure, MeasureConfig, Measures
from logyard.pipeline.samples import of_records
from logyard.registry import component
from logyard.types import Nanoseconds

__all__ = ["Aggregate", "AggregateConfig"]


class AggregateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``metrics``: a table for each: ``name``, ``type`` (counter or histogram), ``field``, ``by``, ``where``,
    ``buckets``, ``most_series``. They are shown at ``/metrics``.

    ``records``: whether each batch also leaves a record for each metric and its labels, with the attributes ``metric``,
    ``count``, ``sum`` and the labels, so that they are stored. ``service``: of these records, where it is no label.
    ``drop``: whether the records that were counted go.
    """

    metrics: tuple[MeasureConfig, ...]
    records: bool = False
    service: str = "metrics"
    drop: bool = False


_EXAMPLE = """\
[[metrics]]
name = "shop_requests"
by = ["status_category"]

[[metrics]]
name = "shop_request_milliseconds"
type = "histogram"
field = "processing_time_ms"
buckets = [10, 100, 1000]
"""


@component("aggregate", config=AggregateConfig, example=_EXAMPLE)
class Aggregate:
    """Count records, and sum up their fields, by labels: counters and histograms at /metrics, or as records."""

    def __init__(self, config: AggregateConfig) -> None:
        """Raises ``BadConfig`` for a metric that cannot be."""
        names = [metric.name for metric in config.metrics]
        if not names or len(set(names)) < len(names):
            raise BadConfig("name metrics, each once", path="metrics")
        self._config = config
        self._measures = tuple(Measure(metric) for metric in config.metrics)
        self.collector = Measures(self._measures)

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """The records, and those of the metrics behind them."""
        if not frame.height:
            return frame
        taken = [(measure.config.name, amount) for measure in self._measures for amount in measure.take(frame)]
        left = frame[:0] if self._config.drop else frame
        if not (self._config.records and taken):
            return left
        when = Nanoseconds(int(frame["timestamp"].cast(pl.Int64).max()))  # type: ignore[arg-type] # not empty, not null
        made = of_records([self._record(name, amount) for name, amount in taken], when)
        nothing = [pl.lit(None, dtype=kind).alias(name) for name, kind in left.schema.items() if name not in FRAME]
        return pl.concat([left, made.with_columns(nothing).select(left.columns)])

    def _record(self, name: str, amount: Amount) -> dict[str, object]:
        return {
            "service": self._config.service,
            **amount.labels,
            "message": f"{name} {amount.total:g}",
            "metric": name,
            "count": amount.records,
            "sum": amount.total,
        }
