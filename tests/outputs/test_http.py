"""Records over HTTP, to a server that looks at every byte."""

import json
from pathlib import Path

import pytest

from logyard.errors import BadInput, LogyardError, NotNow, TooLarge
from logyard.testing.http_sink import Answer, HttpSink
from tests.outputs.conftest import RECEIVED_TEXT, batch, bodies, framed, lines_of, opened

OBJECT = {"ts": "2024-01-02T03:04:05.5Z", "lvl": "warn", "msg": "low", "disk": {"free": 7}}


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
async def test_as_sent_what_is_known_stands_before_what_the_line_says(
    sink: HttpSink, tmp_path: Path, compression: str
) -> None:
    async with opened(tmp_path, "http", url=f"{sink.url}/in?x=1", compression=compression) as output:
        await output.write([batch(1, OBJECT, 'say "hi"', source="/a.log", env="prod"), batch(2, {"env": "own"}, "{}")])
    (request,) = sink.requests
    assert (request.method, request.path, request.query) == ("POST", "/in", {"x": "1"})
    assert request.headers["content-type"] == "application/x-ndjson"
    assert lines_of(request.body) == [
        {"source": "/a.log", "env": "prod", "collected_at": RECEIVED_TEXT, **OBJECT},
        {"source": "/a.log", "env": "prod", "collected_at": RECEIVED_TEXT, "message": 'say "hi"'},
        {"source": "a.log", "collected_at": RECEIVED_TEXT, "env": "own"},
        {"source": "a.log", "collected_at": RECEIVED_TEXT},
    ]


@pytest.mark.parametrize("form", [framed, lambda each: each], ids=["framed", "encoded"])
async def test_canonical_fields_have_our_names(sink: HttpSink, tmp_path: Path, form: object) -> None:
    odd = {"message": 'tab\t"\u2028\x01', "timestamp": "no time", "tags": "x"}
    sent = [batch(1, OBJECT, "plain", source="s"), batch(2, odd)]
    settings = {"url": sink.url, "records": "canonical", "format": "json", "method": "PUT"}
    async with opened(tmp_path, "http", **settings) as output:
        await output.write([form(each) for each in sent])  # type: ignore[operator] # one of the two above
    (request,) = sink.requests
    assert request.method == "PUT"
    arrival = "2023-11-14T22:13:20.000000000Z"
    want = {"timestamp": "2024-01-02T03:04:05.500000000Z", "level": "WARNING", "service": "unknown", "source": "s"}
    assert json.loads(request.body) == [
        {**want, "message": "low", "disk": {"free": 7}},
        {"timestamp": arrival, "service": "unknown", "source": "s", "message": "plain"},
        {
            "timestamp": arrival,
            "service": "unknown",
            "source": "a.log",
            "message": odd["message"],
            "attributes.timestamp": "no time",
            "attributes.tags": "x",
        },
    ]


async def test_text_is_the_lines_as_they_came_and_messages_of_what_was_decoded(sink: HttpSink, tmp_path: Path) -> None:
    async with opened(tmp_path, "http", url=sink.url, format="text", headers={"X-Team": "a"}, bearer="k") as output:
        await output.write([batch(1, OBJECT, "plain"), framed(batch(2, OBJECT, {"message": "two\nlines"}))])
    (request,) = sink.requests
    assert request.body == json.dumps(OBJECT, separators=(",", ":")).encode() + b"\nplain\nlow\ntwo lines\n"
    assert (request.headers["authorization"], request.headers["x-team"]) == ("Bearer k", "a")


async def test_a_run_that_comes_again_has_the_same_key_and_bytes(sink: HttpSink, tmp_path: Path) -> None:
    sink.answers = [Answer(0)]
    run = [batch(1, "one"), batch(2, "two")]
    async with opened(tmp_path, "http", url=sink.url) as output:
        with pytest.raises(NotNow):
            await output.write(run)
        await output.write(run)
        await output.write(run[:1])
    keys = [request.headers["idempotency-key"] for request in sink.requests]
    assert keys[0] == keys[1] != keys[2]
    assert bodies(sink)[0] == bodies(sink)[1]


DATE = {"Date": "Thu, 26 Nov 2026 10:00:00 GMT", "Retry-After": "Thu, 26 Nov 2026 10:00:30 GMT"}


@pytest.mark.parametrize(
    ("answer", "text", "want"),
    [
        pytest.param(Answer(500, b"oh"), "says 500: oh", (NotNow, 0), id="500"),
        pytest.param(Answer(503, b"", {"Retry-After": "7"}), "503", (NotNow, 7), id="503 with seconds"),
        pytest.param(Answer(429, b"", DATE), "429", (NotNow, 30), id="429 with a date"),
        pytest.param(Answer(503, b"", {"Retry-After": "soon"}), "503", (NotNow, 0), id="503 with nonsense"),
        pytest.param(Answer(401, b'{"title":"who?"}'), "who?", (NotNow, 0), id="no key yet"),
        pytest.param(Answer(404), "404", (NotNow, 0), id="not there yet"),
        pytest.param(Answer(302, b"", {"Location": "/login"}), "/login", (NotNow, 1), id="a login page is no answer"),
        pytest.param(Answer(0), "cannot reach", (NotNow, 0), id="closed"),
        pytest.param(Answer(413), "413", (TooLarge, 0), id="too large"),
        pytest.param(Answer(400, b'{"error":"what?"}'), "what?", (BadInput, 0), id="refused"),
        pytest.param(Answer(422, b"\xff"), "422", (BadInput, 0), id="refused in bytes"),
    ],
)
async def test_answers_are_errors_of_ours(
    sink: HttpSink, tmp_path: Path, answer: Answer, text: str, want: tuple[type[LogyardError], float]
) -> None:
    error, seconds = want
    sink.answers = [answer]
    async with opened(tmp_path, "http", url=sink.url) as output:
        with pytest.raises(error, match=text) as caught:
            await output.write([batch(1, "one")])
    assert type(caught.value) is error
    if isinstance(caught.value, NotNow):
        assert caught.value.retry_after == seconds


async def test_a_password_in_the_address_is_used_and_not_told(sink: HttpSink, tmp_path: Path) -> None:
    sink.answers = [Answer(500)]
    async with opened(tmp_path, "http", url=f"http://me:s%40cret@127.0.0.1:{sink.port}/in") as output:
        with pytest.raises(NotNow) as caught:
            await output.write([batch(1, "one")])
    assert sink.requests[0].headers["authorization"] == "Basic bWU6c0BjcmV0"
    assert str(caught.value).startswith(f"{sink.url}/in says 500")


async def test_a_server_that_takes_the_connection_and_says_nothing(tmp_path: Path) -> None:
    import socket  # noqa: PLC0415 - of this test alone

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        async with opened(tmp_path, "http", url=url, timeout=1) as output:
            with pytest.raises(NotNow, match="ReadTimeout"):
                await output.write([batch(1, "one")])
