"""Splunk's HTTP Event Collector, played by a server that checks every byte it gets."""

import json
from pathlib import Path

import pytest

from logyard.errors import NotNow
from logyard.ports import Refused
from logyard.testing.http_sink import Answer, HttpSink, Request
from tests.outputs.conftest import batch, opened


def events(body: bytes) -> list[dict[str, object]]:
    """Objects one after another, with nothing between them, as the collector takes them."""
    decoder, text, at = json.JSONDecoder(), body.decode(), 0
    found = []
    while at < len(text):
        event, at = decoder.raw_decode(text, at)
        assert set(event) <= {"time", "host", "source", "sourcetype", "index", "event", "fields"}
        assert event["event"]
        found.append(event)
    return found


class Collector:
    """Indexes an event when it has been asked for it so often."""

    def __init__(self, *, polls: int = 0, hates: str = "\0") -> None:
        self.taken: list[object] = []
        self._polls = polls
        self._hates = hates

    def answer(self, request: Request) -> Answer:
        assert request.headers["authorization"] == "Splunk s3cret"
        if request.path == "/services/collector/ack":
            assert request.headers["x-splunk-request-channel"]
            (number,) = json.loads(request.body)["acks"]
            self._polls -= 1
            return Answer(200, json.dumps({"acks": {str(number): self._polls < 0}}).encode())
        assert request.path == "/services/collector/event"
        found = events(request.body)
        for number, event in enumerate(found):
            if self._hates in json.dumps(event):
                return Answer(400, b'{"text":"Invalid data format","code":6,"invalid-event-number":%d}' % number)
        self.taken += found
        return Answer(200, b'{"text":"Success","code":0,"ackId":7}')


async def test_events(tmp_path: Path) -> None:
    collector = Collector()
    record = {"ts": "2024-01-02T03:04:05.000000007Z", "msg": "low", "lvl": "warn", "host": 'h"1', "disk": {"free": 7}}
    with HttpSink(collector.answer) as sink:
        async with opened(tmp_path, "splunk", url=sink.url, token="s3cret", index="main") as output:
            assert await output.write([batch(1, record, "plain")]) == []
    assert b'"time":1704164645.000000007,' in sink.requests[0].body
    first, second = collector.taken
    assert first == {
        "time": 1704164645.0,
        "sourcetype": "logyard",
        "index": "main",
        "host": 'h"1',
        "source": "a.log",
        "event": {
            "timestamp": "2024-01-02T03:04:05.000000007Z",
            "level": "WARNING",
            "service": "unknown",
            "host": 'h"1',
            "source": "a.log",
            "message": "low",
            "disk": {"free": 7},
        },
    }
    assert isinstance(second, dict)
    assert second["event"]["message"] == "plain"


async def test_acks_are_waited_for(tmp_path: Path) -> None:
    collector = Collector(polls=2)
    with HttpSink(collector.answer) as sink:
        async with opened(tmp_path, "splunk", url=sink.url, token="s3cret", acks=True) as output:
            assert await output.write([batch(1, "a")]) == []
    assert [request.path.rpartition("/")[2] for request in sink.requests] == ["event", "ack", "ack", "ack"]


async def test_acks_that_do_not_come_make_it_come_again(tmp_path: Path) -> None:
    with HttpSink(Collector(polls=1_000_000).answer) as sink:
        settings = {"url": sink.url, "token": "s3cret", "acks": True, "ack_seconds": 0.1}
        async with opened(tmp_path, "splunk", **settings) as output:
            with pytest.raises(NotNow, match="has not indexed ackId 7"):
                await output.write([batch(1, "a")])


async def test_an_invalid_event_is_told_and_the_others_are_taken(tmp_path: Path) -> None:
    collector = Collector(hates="bad")
    run = [batch(1, "a", "bad 1"), batch(2, "b", "bad 2")]
    with HttpSink(collector.answer) as sink:
        async with opened(tmp_path, "splunk", url=sink.url, token="s3cret") as output:
            refused = await output.write(run)
    reason = f"{sink.url} says 6: Invalid data format"
    assert refused == [Refused(run[0].id, 1, reason), Refused(run[1].id, 1, reason)]
    assert [event["event"]["message"] for event in collector.taken] == ["a", "b"]  # type: ignore[index] # objects


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        pytest.param(Answer(503, b'{"text":"Server is busy","code":9}'), "busy", id="busy"),
        pytest.param(Answer(403, b'{"text":"Invalid token","code":4}'), "Invalid token", id="no token"),
        pytest.param(Answer(400, b'{"text":"Incorrect index","code":7}'), "Incorrect index", id="no such index"),
        pytest.param(Answer(200, b"<html>"), "no event collector", id="another server"),
    ],
)
async def test_what_the_operator_must_mend_loses_nothing(
    sink: HttpSink, tmp_path: Path, answer: Answer, text: str
) -> None:
    sink.answers = [answer]
    async with opened(tmp_path, "splunk", url=sink.url, token="t") as output:
        with pytest.raises(NotNow, match=text):
            await output.write([batch(1, "a")])
