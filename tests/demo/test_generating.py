"""Generated records: every layout reads back, a seed repeats them, rates hold, flows make sense."""

import csv
import io
import math
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from logyard.clock import SystemClock
from logyard.demo.flows import TAGS
from logyard.demo.generating import BATCH_RECORDS, Order, batches
from logyard.demo.layouts import LAYOUTS
from logyard.demo.pace import SECOND, Pace
from logyard.demo.rate import Rate
from tests.demo.conftest import START

FIELDS = ["timestamp", "level", "service", "message", "tags", "event", "user_id", "session_token"]


def order(**changes: Any) -> Order:
    return msgspec.structs.replace(Order(stream="s1", seed=1, start=START, events=500), **changes)


def made(asked: Order) -> str:
    pace = Pace(SystemClock(), start=START, speed=math.inf)
    return b"".join(batch.lines for batch in batches(asked, pace)).decode()


def records(asked: Order) -> list[dict[str, Any]]:
    return [msgspec.json.decode(line) for line in made(asked).splitlines()]


def test_json_holds_all_fields() -> None:
    found = records(order())
    assert len(found) == 500
    assert all(list(record) == FIELDS for record in found)
    assert {tag for record in found for tag in record["tags"]} == set(TAGS)
    assert {record["level"] for record in found} == {"DEBUG", "INFO", "WARNING", "ERROR"}


def test_csv_says_the_same() -> None:
    header, want = LAYOUTS["csv"].header, records(order())
    rows = list(csv.DictReader(io.StringIO(header + made(order(layout="csv")))))
    assert rows == [
        {**{name: record[name] for name in FIELDS if name != "tags"}, "tag": record["tags"][0]} for record in want
    ]


def test_text_and_logfmt_say_the_same() -> None:
    text, logfmt = made(order(layout="text")).splitlines(), made(order(layout="logfmt")).splitlines()
    for record, plain, pairs in zip(records(order()), text, logfmt, strict=True):
        assert plain == "{timestamp} {level} {service}: {message}".format(**record)
        assert pairs == (
            f"time={record['timestamp']} level={record['level'].lower()} service={record['service']} "
            f'msg="{record["message"]}" tag={record["tags"][0]} event={record["event"]} '
            f"user_id={record['user_id']} session_token={record['session_token']}"
        )


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_same_seed_gives_the_same_lines(layout: str) -> None:
    assert made(order(layout=layout)) == made(order(layout=layout))
    assert made(order(layout=layout)) != made(order(layout=layout, seed=2))


def test_a_session_has_a_course() -> None:
    sessions: dict[str, list[str]] = {}
    for record in records(order(events=5000)):
        sessions.setdefault(record["session_token"], []).append(record["event"])
    ended = [events for events in sessions.values() if events[-1] in {"logout", "session_expired"}]
    assert len(ended) > 500
    assert all(events[0] in {"login_succeeded", "login_failed"} for events in sessions.values())
    assert all("page_viewed" in events or "request_failed" in events for events in ended)
    paid = [events for events in ended if "payment_accepted" in events]
    assert all(
        events.index("item_added") < events.index("payment_accepted") < events.index("order_placed") for events in paid
    )
    assert any("payment_declined" in events for events in ended)


def test_a_rate_spreads_records_over_time() -> None:
    rate = Rate(per_second=20, ramp=2, burst_factor=3, burst_every=10, burst_for=1)
    found = records(order(events=None, rate=rate, end=START + 10 * SECOND))
    began = datetime(2026, 1, 1, tzinfo=UTC)
    seconds = Counter((datetime.fromisoformat(record["timestamp"]) - began) // timedelta(seconds=1) for record in found)
    # The first second: 5 of the ramp and 40 of the burst; the second: 15 of the ramp.
    assert seconds == {0: 45, 1: 15, **dict.fromkeys(range(2, 10), 20)}
    assert [record["timestamp"] for record in found] == sorted(record["timestamp"] for record in found)


@pytest.mark.parametrize(
    ("asked", "want"),
    [
        pytest.param(order(events=1), 1, id="one"),
        pytest.param(order(events=BATCH_RECORDS + 1), BATCH_RECORDS + 1, id="more than a batch"),
        pytest.param(order(events=None, end=START + 3000), 3, id="until an end, as fast as can be"),
        pytest.param(order(events=50, rate=Rate(per_second=1e6)), 50, id="events end a rate"),
        pytest.param(
            order(events=None, rate=Rate(per_second=100_000), end=START + SECOND), 100_000, id="large batches"
        ),
    ],
)
def test_an_order_is_filled(asked: Order, want: int) -> None:
    found = list(batches(asked, Pace(SystemClock(), start=START, speed=math.inf)))
    assert sum(batch.count for batch in found) == want
    assert [batch.first for batch in found] == [1 + sum(b.count for b in found[:place]) for place in range(len(found))]
    assert all(batch.lines.count(b"\n") == batch.count <= BATCH_RECORDS for batch in found)


@pytest.mark.parametrize("rate", [None, Rate(per_second=1.0)])
def test_a_stop_ends_it(rate: Rate | None) -> None:
    stop = threading.Event()
    stop.set()
    assert not list(batches(order(events=None, rate=rate), Pace(SystemClock(), start=START, stop=stop)))
