"""How a generated record is written: JSON, CSV, plain text or logfmt, all around the same stamped message.

A line is ``opening``, the time, a head that ends with the message's text and a blank, the stamp, and a tail. Heads and
tails are made when a session is drawn; only time and stamp are written per record.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

import msgspec

from logyard.demo.flows import Event, Flows
from logyard.demo.lines import iso
from logyard.demo.stamps import stamp

__all__ = ["LAYOUTS", "Layout", "Part", "Records"]


class Part(msgspec.Struct, frozen=True, gc=False):
    """A record but for its time and stamp."""

    head: str
    text: bytes
    tail: str


class Layout(msgspec.Struct, frozen=True, kw_only=True):
    """A form of lines."""

    opening: str = ""
    header: str = ""
    """A first line of its own, with its end."""
    around: Callable[[Event], tuple[str, str]]
    """Head and tail."""

    def part(self, event: Event) -> Part:
        """The record but for its time and stamp."""
        head, tail = self.around(event)
        return Part(head, event.text.encode(), tail)


def _json(event: Event) -> tuple[str, str]:
    head = f'","level":"{event.level}","service":"{event.service}","message":"{event.text} '
    tail = (
        f'","tags":["{event.tag}"],"event":"{event.name}","user_id":"{event.user_id}",'
        f'"session_token":"{event.session_token}"}}\n'
    )
    return head, tail


def _csv(event: Event) -> tuple[str, str]:
    tail = f'",{event.tag},{event.name},{event.user_id},{event.session_token}\n'
    return f',{event.level},{event.service},"{event.text} ', tail


def _text(event: Event) -> tuple[str, str]:
    return f" {event.level} {event.service}: {event.text} ", "\n"


def _logfmt(event: Event) -> tuple[str, str]:
    tail = f'" tag={event.tag} event={event.name} user_id={event.user_id} session_token={event.session_token}\n'
    return f' level={event.level.lower()} service={event.service} msg="{event.text} ', tail


LAYOUTS: Final[Mapping[str, Layout]] = {
    "json": Layout(opening='{"timestamp":"', around=_json),
    "csv": Layout(header="timestamp,level,service,message,tag,event,user_id,session_token\n", around=_csv),
    "text": Layout(around=_text),
    "logfmt": Layout(opening="time=", around=_logfmt),
}


class Records:
    """Numbered lines of one stream. One thread."""

    def __init__(self, flows: Flows[Part], layout: Layout, stream: str) -> None:
        self._flows = flows
        self._opening = layout.opening
        self._stream = stream
        self.count = 0
        """How many have been written."""

    def write(self, instants: Iterable[int], count: int) -> bytes:
        """The next ``count`` lines, which happened at these instants (nanoseconds since the Unix epoch)."""
        opening, stream, first = self._opening, self._stream, self.count
        lines = [
            f"{opening}{iso(instant)}{part.head}{stamp(stream, number, part.text)}{part.tail}"
            for number, instant, part in zip(
                range(first + 1, first + count + 1), instants, self._flows.take(count, first), strict=True
            )
        ]
        self.count += count
        return "".join(lines).encode()
