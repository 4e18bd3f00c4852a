"""What a ``LogsRequest`` asks for, checked: each mistake names its field, in the command line's own words."""

from typing import Final

from google.protobuf.internal.containers import RepeatedScalarFieldContainer

from logyard.agent.cursor import Cursor
from logyard.agent.cursor import parse as parse_cursor
from logyard.agent.follow import Request
from logyard.agent.statuses import BadField
from logyard.agent.v1 import agent_pb2 as pb
from logyard.agent.window import BadPattern, Window, cut
from logyard.clock import Clock
from logyard.errors import BadInput
from logyard.types import Nanoseconds

__all__ = ["BAD_SINCE", "BAD_TAIL", "BAD_UNTIL", "logs_request"]

BAD_SINCE: Final = "Invalid since format. Use format like '1h', '30m', '10s', '7d'"
BAD_UNTIL: Final = "Invalid until format. Use format like '1h', '30m', '10s', '7d'"
BAD_TAIL: Final = "Tail value must be non-negative"
_LINGER_SECONDS: Final = 10.0


def logs_request(asked: pb.LogsRequest, clock: Clock) -> Request:
    """The request of ``follow.py``. Raises ``BadField``."""
    if asked.tail < 0:
        raise BadField("tail", BAD_TAIL)
    window = _window(asked, clock)
    plain = not (asked.timestamps or asked.follow or asked.tail or asked.cursor or window.since or window.until)
    matched = window.include or window.exclude
    return Request(
        name=asked.container_identifier,
        window=window,
        tail=asked.tail,
        follow=asked.follow,
        cursor=_cursor(asked.cursor),
        timed=not (asked.batches and plain and not matched),
        linger=asked.linger_seconds or _LINGER_SECONDS,
    )


def _window(asked: pb.LogsRequest, clock: Clock) -> Window:
    neither = not asked.stdout and not asked.stderr
    window = Window(
        since=_time(asked.since, clock, field="since", words=BAD_SINCE),
        until=_time(asked.until, clock, field="until", words=BAD_UNTIL),
        stdout=asked.stdout or neither,
        stderr=asked.stderr or neither,
        include=tuple(asked.include),
        exclude=tuple(asked.exclude),
    )
    _check(asked.include, "include")
    _check(asked.exclude, "exclude")
    return window


def _check(patterns: RepeatedScalarFieldContainer[str], field: str) -> None:
    try:
        cut(Window(include=tuple(patterns)))
    except BadPattern as error:
        raise BadField(field, str(error)) from error


def _time(text: str, clock: Clock, *, field: str, words: str) -> int:
    if not text:
        return 0
    unix = text.removeprefix("@")
    if text.startswith("@") and unix.isascii() and unix.isdecimal() and len(unix) > 17:  # noqa: PLR2004 - nanoseconds
        return int(unix)
    from logyard.model.timerange import parse_time  # noqa: PLC0415 - memory: it brings Polars along

    try:
        return parse_time(text, Nanoseconds(clock.now()))
    except BadInput as error:
        raise BadField(field, words) from error


def _cursor(text: str) -> Cursor | None:
    try:
        return parse_cursor(text) if text else None
    except BadInput as error:
        raise BadField("cursor", str(error)) from error
