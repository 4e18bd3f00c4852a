"""Elasticsearch's bulk API, played by a server that checks every byte it gets and keeps an index by id."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from logyard.errors import BadConfig, NotNow, TooLarge
from logyard.ports import Refused
from logyard.testing.http_sink import Answer, HttpSink, Request
from tests.outputs.conftest import batch, opened

KEYS = [f"{number.to_bytes(16).hex()}-{row}" for number, row in ((1, 0), (1, 1), (2, 0))]
RUN = [batch(1, {"message": "a", "level": "warn", "service": "Shop", "host": {"ip": "::1"}}, "b"), batch(2, "c")]


class Index:
    """Documents by index and id; what it is told to answer for a message comes first."""

    def __init__(self) -> None:
        self.documents: dict[tuple[str, str], Mapping[str, object]] = {}
        self.answers: dict[str, list[int]] = {}

    def answer(self, request: Request) -> Answer:
        assert (request.method, request.path) == ("POST", "/_bulk")
        assert request.headers["content-type"] == "application/x-ndjson"
        assert request.body.endswith(b"\n")
        lines = [msgspec.json.decode(line, type=dict) for line in request.body[:-1].split(b"\n")]
        assert len(lines) % 2 == 0
        items = [self._item(action, document) for action, document in zip(lines[::2], lines[1::2], strict=True)]
        errors = any(status >= 300 for item in items for status in [item["create"]["status"]])
        return Answer(200, msgspec.json.encode({"took": 1, "errors": errors, "items": items}))

    def _item(
        self, action: Mapping[str, Mapping[str, str]], document: Mapping[str, object]
    ) -> dict[str, dict[str, Any]]:
        ((operation, where),) = action.items()
        assert operation == "create"
        assert set(where) == {"_index", "_id"}
        assert {"@timestamp", "message"} <= set(document)
        asked = self.answers.get(str(document["message"]), [])
        status = asked.pop(0) if asked else 201
        key = (where["_index"], where["_id"])
        if status == 201 and key in self.documents:
            status = 409
        if status == 201:
            self.documents[key] = document
        error = {"error": {"type": "some_exception", "reason": f"because {status}"}} if status >= 300 else {}
        return {"create": {**where, "status": status, **error}}


async def test_documents_have_the_names_of_the_common_schema(tmp_path: Path) -> None:
    index = Index()
    with HttpSink(index.answer) as sink:
        settings = {"url": sink.url, "index": "logs-{service}-%Y.%m", "username": "me", "password": "x"}
        async with opened(tmp_path, "elastic", **settings) as output:
            assert await output.write(RUN) == []
    names = [f"logs-{name}-2023.11" for name in ("shop", "unknown", "unknown")]
    assert list(index.documents) == list(zip(names, KEYS, strict=True))
    assert sink.requests[0].headers["authorization"] == "Basic bWU6eA=="
    assert index.documents["logs-shop-2023.11", KEYS[0]] == {
        "@timestamp": "2023-11-14T22:13:20.000000000Z",
        "log.level": "WARNING",
        "service.name": "Shop",
        "log.file.path": "a.log",
        "message": "a",
        "host": {"ip": "::1"},
    }


async def test_busy_items_are_sent_again_alone_and_refused_ones_are_told_with_their_reasons(tmp_path: Path) -> None:
    index = Index()
    index.answers = {"a": [429, 503], "b": [400], "c": [201]}
    with HttpSink(index.answer) as sink:
        async with opened(tmp_path, "elastic", url=sink.url) as output:
            with pytest.raises(NotNow, match="1 items are to be sent again: 429"):
                await output.write(RUN)
            with pytest.raises(NotNow, match="1 items are to be sent again: 503"):
                await output.write(RUN)
            refused = await output.write(RUN)
    assert refused == [Refused(RUN[0].id, 1, "400: some_exception: because 400")]
    assert [request.body.count(b"\n") // 2 for request in sink.requests] == [3, 1, 1]
    assert [key for _, key in index.documents] == [KEYS[2], KEYS[0]]


async def test_what_comes_again_is_in_the_index_once(tmp_path: Path) -> None:
    index = Index()
    with HttpSink(index.answer) as sink:
        for _ in range(2):
            async with opened(tmp_path, "elastic", url=sink.url, api_key="k") as output:
                assert await output.write(RUN) == []
    assert [key for _, key in index.documents] == KEYS
    assert sink.requests[0].headers["authorization"] == "ApiKey k"


@pytest.mark.parametrize(
    ("answer", "error", "text"),
    [
        pytest.param(Answer(200, b"<html>login"), NotNow, "no bulk request", id="another kind of server"),
        pytest.param(Answer(200, b'{"errors":false,"items":[]}'), NotNow, "answers for 0", id="too few answers"),
        pytest.param(Answer(429, b'{"status":429}'), NotNow, "429", id="busy as a whole"),
        pytest.param(Answer(413), TooLarge, "413", id="too large"),
    ],
)
async def test_answers_to_the_request_as_a_whole(
    sink: HttpSink, tmp_path: Path, answer: Answer, error: type[Exception], text: str
) -> None:
    sink.answers = [answer]
    async with opened(tmp_path, "elastic", url=sink.url) as output:
        with pytest.raises(error, match=text):
            await output.write(RUN)


@pytest.mark.parametrize("settings", [{"index": "logs-{user}"}, {"index": 'a"b'}, {"api_key": "k", "username": "u"}])
async def test_settings_that_cannot_be(tmp_path: Path, settings: dict[str, str]) -> None:
    with pytest.raises(BadConfig):
        async with opened(tmp_path, "elastic", url="http://127.0.0.1:1", **settings):
            pass
