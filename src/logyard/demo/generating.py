"""Generated records over time, in batches: at a rate, or as fast as somebody takes them."""

from collections.abc import Iterator
from typing import Final

import msgspec

from logyard.demo.chance import Chance
from logyard.demo.flows import Flows
from logyard.demo.layouts import LAYOUTS, Records
from logyard.demo.pace import SECOND, Pace
from logyard.demo.rate import Rate

__all__ = ["BATCH_RECORDS", "Batch", "Order", "batches"]

BATCH_RECORDS: Final = 8192
"""About 2.5 MB of JSON."""
_TICKS: Final = 10
"""A second."""
_STEP: Final = 1_000
"""Nanoseconds between two records that nobody paces."""


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What to make."""

    layout: str = "json"
    stream: str
    seed: int
    start: int
    """Simulated beginning, nanoseconds since the Unix epoch."""
    end: int | None = None
    """Exclusive; None: no end."""
    events: int | None = None
    """At most so many; None: no end."""
    rate: Rate | None = None
    """None: as fast as they are taken, one microsecond apart."""


class Batch(msgspec.Struct, frozen=True):
    """Some lines, each with its end."""

    lines: bytes
    first: int
    """Number of the first record in its stream, from 1."""
    count: int


def batches(order: Order, pace: Pace) -> Iterator[Batch]:
    """Until the order is filled or the pace is stopped."""
    layout = LAYOUTS[order.layout]
    records = Records(Flows(Chance(order.seed, "flows"), layout.part), layout, order.stream)
    for begin, end, count in _spans(order, pace):
        for place in range(0, count, BATCH_RECORDS):
            some = min(BATCH_RECORDS, count - place)
            width = end - begin
            instants = (begin + width * (place + number) // count for number in range(some))
            first = records.count + 1
            yield Batch(records.write(instants, some), first, some)


def _spans(order: Order, pace: Pace) -> Iterator[tuple[int, int, int]]:
    """Beginning, end and number of events of one stretch of time after another."""
    left = order.events
    for begin, end, count in _paced(order, order.rate, pace) if order.rate else _at_once(order, pace):
        some = count if left is None else min(count, left)
        if some:
            yield begin, begin + (end - begin) * some // count, some
        if left is not None:
            left -= some
            if not left:
                return


def _paced(order: Order, rate: Rate, pace: Pace) -> Iterator[tuple[int, int, int]]:
    done, tick = 0, 0
    while True:
        tick += 1
        begin, end = (order.start + at * SECOND // _TICKS for at in (tick - 1, tick))
        if order.end is not None and begin >= order.end:
            return
        if not pace.reach(end):
            return
        due = rate.due(tick / _TICKS)
        yield begin, end, due - done
        done = due


def _at_once(order: Order, pace: Pace) -> Iterator[tuple[int, int, int]]:
    begin = order.start
    while not pace.stop.is_set():
        count = BATCH_RECORDS if order.end is None else min(BATCH_RECORDS, (order.end - begin) // _STEP)
        if count <= 0:
            return
        yield begin, begin + count * _STEP, count
        begin += count * _STEP
