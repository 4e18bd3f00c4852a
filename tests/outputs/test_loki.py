"""Loki's push API, played by a server that checks every byte it gets and keeps streams as Loki does."""

from pathlib import Path

import msgspec
import pytest

from logyard.errors import BadConfig, NotNow, TooLarge
from logyard.model import timestamp
from logyard.testing.http_sink import Answer, HttpSink, Request
from tests.outputs.conftest import batch, opened, tagged

NOW = "2023-11-14T22:00:0{}Z"


class Streams:
    """Entries by labels. An entry is there once by time, line and metadata; some are refused as Loki words it."""

    def __init__(self, *, oldest: str = "1970-01-01T00:00:00Z", hates: str = "\0") -> None:
        self.entries: dict[tuple[tuple[str, str], ...], set[tuple[int, str, tuple[tuple[str, str], ...]]]] = {}
        self._oldest = oldest
        self._hates = hates

    def answer(self, request: Request) -> Answer:
        assert (request.method, request.path) == ("POST", "/loki/api/v1/push")
        assert request.headers["content-type"] == "application/json"
        pushed = msgspec.json.decode(request.body, type=dict[str, list[dict[str, object]]])
        assert set(pushed) == {"streams"}
        bad = [reason for stream in pushed["streams"] for reason in self._take(stream)]
        return Answer(400, "\n".join(bad).encode()) if bad else Answer(204)

    def _take(self, stream: dict[str, object]) -> list[str]:
        labels = msgspec.convert(stream["stream"], dict[str, str])
        values = msgspec.convert(stream["values"], list[tuple[str, str, dict[str, str]]])
        assert labels
        assert [int(time) for time, _, _ in values] == sorted(int(time) for time, _, _ in values)
        kept = self.entries.setdefault(tuple(sorted(labels.items())), set())
        bad = []
        for time, line, metadata in values:
            assert all(name.isidentifier() for name in metadata)
            if int(time) < (timestamp.parse(self._oldest) or 0):
                bad.append(
                    f"entry with timestamp {time} ignored, reason: 'entry too far behind, entry timestamp is: {time}, "
                    f"oldest acceptable timestamp is: {self._oldest}',"
                )
            elif self._hates in line:
                bad.append(f"stream {labels} has a line that is hated")
            else:
                kept.add((int(time), line, tuple(sorted(metadata.items()))))
        return bad

    def lines(self) -> list[str]:
        return sorted(line for stream in self.entries.values() for _, line, _ in stream)


async def test_few_labels_and_the_rest_beside_the_line(tmp_path: Path) -> None:
    streams = Streams()
    record = {"ts": NOW.format(1), "msg": "paid", "lvl": "warn", "service": "shop", "user.id": 7, "deep": {"x": [1]}}
    with HttpSink(streams.answer) as sink:
        settings = {"url": sink.url, "tenant": "t1", "labels": {"service_name": "service", "level": "level"}}
        async with opened(tmp_path, "loki", **settings) as output:
            assert await output.write([tagged(batch(1, record, "plain"), "pay")]) == []
    assert sink.requests[0].headers["x-scope-orgid"] == "t1"
    metadata = {"source": "a.log", "tags": "pay"}
    beside = tuple(sorted({**metadata, "user_id": "7", "deep": '{"x":[1]}'}.items()))
    assert streams.entries == {
        (("job", "logyard"), ("level", "WARNING"), ("service_name", "shop")): {
            (1_699_999_201_000_000_000, "paid", beside)
        },
        (("job", "logyard"), ("service_name", "unknown")): {
            (1_700_000_000_000_000_000, "plain", tuple(sorted(metadata.items())))
        },
    }


async def test_streams_are_bounded(tmp_path: Path) -> None:
    streams = Streams()
    records = [{"service": f"s{number}", "message": str(number)} for number in range(6)]
    with HttpSink(streams.answer) as sink:
        async with opened(tmp_path, "loki", url=sink.url, max_streams=2) as output:
            await output.write([batch(1, *records)])
            await output.write([batch(2, *records[:2])])
    assert len(streams.entries) == 3
    assert len(streams.entries[("job", "logyard"),]) == 4


async def test_a_record_with_more_fields_than_loki_takes_is_all_line(tmp_path: Path) -> None:
    streams = Streams()
    record = {"message": "wide", **{f"field{number}": number for number in range(200)}}
    with HttpSink(streams.answer) as sink:
        async with opened(tmp_path, "loki", url=sink.url) as output:
            await output.write([batch(1, record, "narrow")])
    wide = msgspec.json.decode(next(line for line in streams.lines() if line.startswith("{")), type=dict)
    assert wide.items() >= record.items()
    assert "narrow" in streams.lines()


@pytest.mark.parametrize(
    ("streams", "refused", "kept"),
    [
        pytest.param(Streams(oldest=NOW.format(4)), [1, 2, 3], [4, 5, 6, 7], id="too old by its own words"),
        pytest.param(Streams(hates="5"), [5], [1, 2, 3, 4, 6, 7], id="one that is hated"),
        pytest.param(Streams(oldest=NOW.format(3), hates="6"), [1, 2, 6], [3, 4, 5, 7], id="both"),
        pytest.param(Streams(hates=""), [1, 2, 3, 4, 5, 6, 7], [], id="all"),
    ],
)
async def test_what_is_refused_is_found_and_the_rest_is_there_once(
    tmp_path: Path, streams: Streams, refused: list[int], kept: list[int]
) -> None:
    records = [{"ts": NOW.format(number), "message": str(number)} for number in range(1, 8)]
    with HttpSink(streams.answer) as sink:
        async with opened(tmp_path, "loki", url=sink.url) as output:
            found = await output.write([batch(1, *records[:3]), batch(2, *records[3:])])
    numbers = sorted(each.row + (1 if each.batch[-1] == 1 else 4) for each in found)
    assert (numbers, streams.lines()) == (refused, list(map(str, kept)))


async def test_a_push_that_is_all_bad_does_not_cost_a_request_for_each_record(tmp_path: Path) -> None:
    streams = Streams(hates="x")
    with HttpSink(streams.answer) as sink:
        async with opened(tmp_path, "loki", url=sink.url) as output:
            assert len(await output.write([batch(1, *(f"x{number}" for number in range(3000)))])) == 3000
    assert len(sink.requests) < 100


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(Answer(429, b"Ingestion rate limit exceeded", {"Retry-After": "2"}), NotNow, id="rate"),
        pytest.param(Answer(500, b"rpc error: trying to send message larger than max"), TooLarge, id="within"),
        pytest.param(Answer(413), TooLarge, id="too large"),
    ],
)
async def test_answers(sink: HttpSink, tmp_path: Path, answer: Answer, error: type[Exception]) -> None:
    sink.answers = [answer]
    async with opened(tmp_path, "loki", url=sink.url) as output:
        with pytest.raises(error):
            await output.write([batch(1, "a")])


@pytest.mark.parametrize("labels", [{"service name": "service"}, {"user": "user_id"}])
async def test_labels_that_cannot_be(tmp_path: Path, labels: dict[str, str]) -> None:
    with pytest.raises(BadConfig, match="labels"):
        async with opened(tmp_path, "loki", url="http://127.0.0.1:1", labels=labels):
            pass
