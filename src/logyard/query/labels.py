"""Rows of ``stats`` as metrics in Prometheus' form."""

import dataclasses
from collections.abc import Iterable, Iterator
from typing import Final

from logyard.errors import BadQuery
from logyard.model.timestamp import parse
from logyard.query.names import ALIASES
from logyard.query.parse import Query
from logyard.query.pipe import Labels
from logyard.query.pipes.stats import Stats
from logyard.query.rows import Row
from logyard.types import Json

__all__ = ["at_instant", "labels_of", "over_range", "ranged"]

_SECOND: Final = 1_000_000_000


def labels_of(query: Query, *, step: int = 0) -> Labels:
    """The labels and numbers of a query's rows. ``BadQuery`` when they are no metrics."""
    places = [index for index, pipe in enumerate(query.pipes) if isinstance(pipe, Stats)]
    if not places:
        raise BadQuery("a query for metrics needs stats")
    labels = Labels(step=step)
    for pipe in query.pipes[places[0] :]:
        labels = pipe.labels(labels)
    return labels


def ranged(query: Query, step: int, offset: int = 0) -> Query:
    """The query with every ``stats`` in steps of time of so many nanoseconds."""
    places = [index for index, pipe in enumerate(query.pipes) if isinstance(pipe, Stats)]
    first = places[0] if places else len(query.pipes)
    pipes = [
        pipe.per_step(step, offset) if isinstance(pipe, Stats) else pipe.per_time() if index > first else pipe
        for index, pipe in enumerate(query.pipes)
    ]
    return dataclasses.replace(query, pipes=tuple(pipes))


def at_instant(rows: Iterable[Row], labels: Labels, now: int) -> list[Json]:
    """``[{"metric": {...}, "value": [seconds, "text"]}]``."""
    seconds = _seconds(now)
    return [{"metric": {**metric}, "value": [seconds, value]} for metric, value, _ in _points(rows, labels)]


def over_range(rows: Iterable[Row], labels: Labels) -> list[Json]:
    """``[{"metric": {...}, "values": [[seconds, "text"], ...]}]``, values by time."""
    series: dict[tuple[tuple[str, str], ...], list[tuple[int, str]]] = {}
    for metric, value, row in _points(rows, labels):
        metric.pop("_time", None)
        time = parse(str(row.get("_time") or row.get("timestamp") or "")) or 0
        series.setdefault(tuple(metric.items()), []).append((time, value))
    return [
        {"metric": dict(metric), "values": [[_seconds(time), value] for time, value in sorted(points)]}
        for metric, points in series.items()
    ]


def _points(rows: Iterable[Row], labels: Labels) -> Iterator[tuple[dict[str, str], str, Row]]:
    for row in rows:
        by = {name: _shown(row.get(name, row.get(ALIASES.get(name, name)))) for name in labels.by}
        for name in labels.numbers:
            yield {"__name__": name, **by}, _shown(row.get(name)), row


def _seconds(instant: int) -> Json:
    whole, rest = divmod(instant, _SECOND)
    return whole if not rest else round(instant / _SECOND, 3)


def _shown(value: Json) -> str:
    return "" if value is None else str(value)
