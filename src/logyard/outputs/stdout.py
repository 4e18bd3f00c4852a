"""To standard output: a report now and then of what came from where, or the records themselves.

2026-11-26T10:00:00Z  1,234 records (+200) from 2 sources
  /logs/access.log  1,000 (+150)
    the latest lines of it
"""

import asyncio
import contextlib
import sys
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec

from logyard.clock import Clock
from logyard.errors import NotNow
from logyard.formats.json.batches import joined
from logyard.model import timestamp
from logyard.model.batch import Batch
from logyard.outputs.rendering.lines import json_lines, raw_lines
from logyard.ports import Place, Refused
from logyard.registry import component

__all__ = ["Stdout", "StdoutConfig"]

_SOURCES: Final = 1000
_LINE: Final = 200
_CONTROL: Final = dict.fromkeys((*range(32), 127, *range(128, 160)), " ")
"""A line of a log must not move the cursor of a terminal."""


class StdoutConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is printed."""

    format: Literal["report", "json", "text"] = "report"
    """report: counts and the latest lines by source; json: the records; text: their lines."""
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    """How often it reports."""
    latest: Annotated[int, msgspec.Meta(ge=0)] = 3
    """Lines of each source in a report."""


class _Seen(msgspec.Struct):
    latest: deque[str]
    total: int = 0
    new: int = 0


@component("stdout", config=StdoutConfig, example='format = "report"\nseconds = 60\n')
class Stdout:
    """Standard output: a report by source each minute, or the records."""

    def __init__(self, config: StdoutConfig) -> None:
        self._config = config
        self._seen: dict[str, _Seen] = {}
        self._clock: Clock | None = None
        self._reporting: asyncio.Task[None] | None = None

    async def open(self, place: Place) -> None:
        """Begin to count."""
        self._clock = place.clock
        if self._config.format == "report":
            self._reporting = asyncio.create_task(self._report(), name="report")

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Count them, or return when they are written; a record may come twice after a crash."""
        if self._config.format == "report":
            sources, texts = await asyncio.to_thread(_told, batches, self._config.latest)
            self._count(sources, texts)
            return ()
        text = self._config.format == "text"
        await asyncio.to_thread(lambda: _put((raw_lines(batches) if text else json_lines(batches, "sent")) + b"\n"))
        return ()

    async def close(self) -> None:
        """Report for the last time."""
        if self._reporting is not None:
            self._reporting.cancel()
            await asyncio.gather(self._reporting, return_exceptions=True)
            with contextlib.suppress(NotNow):
                await asyncio.to_thread(_put, self._text().encode())

    def _count(self, sources: Mapping[str, int], texts: Mapping[str, Sequence[str]]) -> None:
        for source, rows in sources.items():
            known = source if source in self._seen or len(self._seen) < _SOURCES else "(others)"
            seen = self._seen.setdefault(known, _Seen(deque(maxlen=self._config.latest)))
            seen.total, seen.new = seen.total + rows, seen.new + rows
            seen.latest.extend(texts[source])

    async def _report(self) -> None:
        while True:
            await asyncio.sleep(self._config.seconds)
            with contextlib.suppress(NotNow):
                await asyncio.to_thread(_put, self._text().encode())
            for seen in self._seen.values():
                seen.new = 0

    def _text(self) -> str:
        now = timestamp.format_ns(self._clock.now() // timestamp.SECOND * timestamp.SECOND) if self._clock else ""
        total, new = (sum(getattr(seen, what) for seen in self._seen.values()) for what in ("total", "new"))
        sources = f"{len(self._seen):,} source{'' if len(self._seen) == 1 else 's'}"
        lines = [f"{now}  {total:,} records (+{new:,}) from {sources}"]
        for source, seen in sorted(self._seen.items()):
            lines.append(f"  {source.translate(_CONTROL) or '(unknown)'}  {seen.total:,} (+{seen.new:,})")
            lines += [f"    {text.translate(_CONTROL)[:_LINE]}" for text in seen.latest]
        return "\n".join(lines) + "\n"


def _told(batches: Sequence[Batch], latest: int) -> tuple[Mapping[str, int], Mapping[str, Sequence[str]]]:
    """Records and latest messages by source."""
    frame = joined(batches).select("source", "message")
    counts = Counter(frame["source"].to_list())
    last = frame.group_by("source").tail(latest) if latest else frame.head(0)
    texts: dict[str, list[str]] = {source: [] for source in counts}
    for source, message in last.iter_rows():
        texts[source].append(message)
    return counts, texts


def _put(data: bytes) -> None:
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except OSError as error:
        raise NotNow(f"cannot write to standard output: {error.strerror}", retry_after=1.0) from error
