"""The steps of a pipeline as one callable, compiled once. No steps: nothing is decoded.

Every step may have two settings that are the chain's: ``when``, a filter of the query language, lets the step see only
the records that match it, while the others go around it; ``name`` tells two of one type apart in the metrics. A table
that has only ``include`` stands for the steps of a file (``included.py``).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Protocol, cast, runtime_checkable

import msgspec
import polars as pl
from prometheus_client.registry import Collector

from logyard import registry
from logyard.errors import BadConfig
from logyard.formats.json.frame import frame
from logyard.language.condition import Condition, condition
from logyard.model.batch import Encoded
from logyard.pipeline.fields import errors, failed
from logyard.pipeline.gate import Gate, Gates
from logyard.pipeline.included import expanded
from logyard.pipeline.statistics import Processing
from logyard.ports import Step
from logyard.telemetry import Event, Telemetry
from logyard.types import Nanoseconds

__all__ = ["Chain", "Link", "ProcessingFailed", "StepDropped", "StepRan"]

_PLACE: Final = "_place"
_TRIES: Final = 200
"""Calls that looking for the records a step cannot take may cost; what is left then is marked as a whole."""


class StepRan(Event, frozen=True, kw_only=True):
    """Records that a step of the pipeline was given."""

    step: str
    count: int


class StepDropped(Event, frozen=True, kw_only=True):
    """Records that a step of the pipeline left out."""

    step: str
    count: int


class ProcessingFailed(Event, frozen=True, kw_only=True):
    """Records that a step of the pipeline failed on: they keep all they had and say why in ``processing_error``."""

    step: str
    count: int


@runtime_checkable
class _Gated(Protocol):
    gate: Gate


@runtime_checkable
class _Measuring(Protocol):
    collector: Collector


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A step in its place."""

    name: str
    step: Step
    when: Condition | None = None


class Chain:
    """Steps in the order of the configuration."""

    def __init__(
        self,
        steps: Sequence[Step | Link] = (),
        telemetry: Telemetry | None = None,
        *,
        statistics: Processing | None = None,
    ) -> None:
        """None at all is the fast path. ``statistics``: told of every batch."""
        self._links = tuple(
            step if isinstance(step, Link) else Link(name=type(step).__name__.lower(), step=step) for step in steps
        )
        self._telemetry = telemetry or Telemetry()
        for link in self._links:
            if isinstance(link.step, _Measuring):
                self._telemetry.include(link.step.collector)
        self._statistics = statistics

    @staticmethod
    def of(
        settings: Sequence[Mapping[str, object]],
        telemetry: Telemetry | None = None,
        *,
        statistics: Processing | None = None,
    ) -> "Chain":
        """From the configuration's ``[[pipeline]]`` tables. Raises ``BadConfig`` that names the setting."""
        links = [_link(step, path) for path, step in expanded(settings)]
        return Chain(links, telemetry, statistics=statistics)

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self._links)

    def __iter__(self) -> Iterator[Link]:
        """The steps in their order."""
        return iter(self._links)

    def gates(self) -> Gates:
        """The levels that can be changed while running."""
        return {link.name: link.step.gate for link in self._links if isinstance(link.step, _Gated)}

    def apply(self, body: Encoded | pl.DataFrame, received: Nanoseconds) -> Encoded | pl.DataFrame:
        """What is left of a batch's body after all steps."""
        if not self._links:
            return body
        rows = frame(body, received) if isinstance(body, Encoded) else body
        given, before = rows.height, errors(rows)
        wrong = before
        for link in self._links:
            rows, wrong = self._applied(link, rows, wrong)
        if self._statistics is not None:
            self._statistics.processed(given, rows, max(0, wrong - before))
        return rows

    def _applied(self, link: Link, rows: pl.DataFrame, wrong: int) -> tuple[pl.DataFrame, int]:
        """One step, and what is counted of it. ``wrong``: records that say so already; the same comes back."""
        left = _beside(link, rows) if link.when is not None else _guarded(link, rows)
        self._telemetry.emit(StepRan(step=link.name, count=rows.height))
        if left.height < rows.height:
            self._telemetry.emit(StepDropped(step=link.name, count=rows.height - left.height))
        now = errors(left)
        if now > wrong:
            self._telemetry.emit(ProcessingFailed(step=link.name, count=now - wrong))
        return left, now


def _link(settings: Mapping[str, object], path: str) -> Link:
    rest = {key: value for key, value in settings.items() if key not in {"when", "name"}}
    step = cast("Step", registry.build("steps", rest, path=path))
    name, when = settings.get("name", settings["type"]), settings.get("when", "*")
    if not isinstance(name, str) or not isinstance(when, str):
        raise BadConfig("name and when are texts", path=path)
    try:
        return Link(name=name, step=step, when=None if when in {"", "*"} else condition(when))
    except BadConfig as error:
        raise BadConfig(error.reason, path=f"{path}.when") from error


def _beside(link: Link, rows: pl.DataFrame) -> pl.DataFrame:
    """The step on the records that match its condition; every record keeps its place among the others."""
    matches = link.when(rows) if link.when is not None else pl.Series([True])
    if matches.all():
        return _guarded(link, rows)
    if not matches.any():
        return rows
    placed = rows.with_row_index(_PLACE).select(*rows.columns, _PLACE)
    seen = placed.filter(matches)
    left = _guarded(link, seen)
    if _PLACE not in left.columns:
        places = seen[_PLACE] if left.height == seen.height else pl.lit(seen[_PLACE][0]).alias(_PLACE)
        left = left.with_columns(places)
    together = pl.concat([placed.filter(~matches), left.select(placed.columns)])
    return together.sort(_PLACE, nulls_last=True, maintain_order=True).drop(_PLACE)


def _guarded(link: Link, rows: pl.DataFrame) -> pl.DataFrame:
    """A step that raises has met a record that it cannot take: it is looked for by halves and marked."""
    try:
        return link.step(rows)
    except Exception as error:  # noqa: BLE001 - a stranger's step may raise what it likes
        return _halved(link, rows, error, tries=[_TRIES])


def _halved(link: Link, rows: pl.DataFrame, error: Exception, *, tries: list[int]) -> pl.DataFrame:
    if rows.height <= 1 or tries[0] <= 0:
        reason = f"{link.name}: {type(error).__name__}: {error}"
        return failed(rows, pl.Series([reason], dtype=pl.String).new_from_index(0, rows.height))
    parts = []
    for part in (rows[: rows.height // 2], rows[rows.height // 2 :]):
        tries[0] -= 1
        try:
            parts.append(link.step(part))
        except Exception as again:  # noqa: BLE001 - as above
            parts.append(_halved(link, part, again, tries=tries))
    return pl.concat(parts)
