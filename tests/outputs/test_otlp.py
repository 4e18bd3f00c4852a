"""OpenTelemetry's log service over HTTP, played by a server that reads requests by the protocol's own types."""

from pathlib import Path
from typing import Annotated

import msgspec
import pytest

from logyard.errors import BadInput, NotNow
from logyard.testing.http_sink import Answer, HttpSink
from tests.outputs.conftest import RECEIVED, batch, opened, tagged


class Strict(msgspec.Struct, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    """A message of the protocol: nothing else is in it."""


class AnyValue(Strict, forbid_unknown_fields=True, rename="camel", omit_defaults=True):
    string_value: str | None = None
    bool_value: bool | None = None
    int_value: Annotated[str, msgspec.Meta(pattern="^-?[0-9]+$")] | None = None
    double_value: float | None = None
    array_value: "ArrayValue | None" = None
    kvlist_value: "KeyValueList | None" = None

    def plain(self) -> object:
        if self.array_value is not None:
            return [each.plain() for each in self.array_value.values]
        if self.kvlist_value is not None:
            return {each.key: each.value.plain() for each in self.kvlist_value.values}
        if self.int_value is not None:
            return int(self.int_value)
        known = (self.string_value, self.bool_value, self.double_value)
        return next((value for value in known if value is not None), None)


class KeyValue(Strict, forbid_unknown_fields=True):
    key: str
    value: AnyValue


class ArrayValue(Strict, forbid_unknown_fields=True):
    values: list[AnyValue]


class KeyValueList(Strict, forbid_unknown_fields=True):
    values: list[KeyValue]


class LogRecord(Strict, forbid_unknown_fields=True, rename="camel"):
    time_unix_nano: Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]
    observed_time_unix_nano: Annotated[str, msgspec.Meta(pattern="^[0-9]+$")]
    body: AnyValue
    attributes: list[KeyValue]
    severity_number: Annotated[int, msgspec.Meta(ge=1, le=24)] | None = None
    severity_text: str = ""
    trace_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")] | None = None
    span_id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")] | None = None


class Scope(Strict, forbid_unknown_fields=True):
    name: str


class ScopeLogs(Strict, forbid_unknown_fields=True, rename="camel"):
    scope: Scope
    log_records: list[LogRecord]


class Resource(Strict, forbid_unknown_fields=True):
    attributes: list[KeyValue]


class ResourceLogs(Strict, forbid_unknown_fields=True, rename="camel"):
    resource: Resource
    scope_logs: list[ScopeLogs]


class ExportLogsServiceRequest(Strict, forbid_unknown_fields=True, rename="camel"):
    resource_logs: list[ResourceLogs]


def plain(attributes: list[KeyValue]) -> dict[str, object]:
    return {each.key: each.value.plain() for each in attributes}


TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
RECORD = {
    "ts": "2024-01-02T03:04:05.000000007Z",
    "msg": "low",
    "lvl": "warn",
    "service": "shop",
    "host": "h1",
    "traceId": TRACE.upper(),
    "spanId": SPAN,
    "n": {"i": 7, "f": 0.5, "b": True, "z": None, "s": "", "l": [1, "x", {"y": []}]},
}


async def test_records(sink: HttpSink, tmp_path: Path) -> None:
    async with opened(tmp_path, "otlp", url=sink.url, headers={"api-key": "k"}) as output:
        run = [
            tagged(batch(1, RECORD, "plain"), "pay"),
            batch(2, {"message": "odd", "trace_id": "7", "span_id": "0" * 16}),
        ]
        assert await output.write(run) == ()
    (request,) = sink.requests
    assert (request.path, request.headers["api-key"]) == ("/v1/logs", "k")
    found = msgspec.json.decode(request.body, type=ExportLogsServiceRequest).resource_logs
    records = {
        record.body.string_value: (plain(each.resource.attributes), record)
        for each in found
        for scope in each.scope_logs
        for record in scope.log_records
    }
    resource, low = records["low"]
    assert resource == {"service.name": "shop", "host.name": "h1"}
    assert (low.time_unix_nano, low.observed_time_unix_nano) == ("1704164645000000007", str(RECEIVED))
    assert (low.severity_number, low.severity_text, low.trace_id, low.span_id) == (13, "warn", TRACE, SPAN)
    assert plain(low.attributes) == {"n": RECORD["n"], "log.file.path": "a.log", "tags": ["pay"]}
    resource, unknown = records["plain"]
    assert (resource, unknown.severity_number) == ({"service.name": "unknown"}, None)
    assert plain(records["odd"][1].attributes).items() >= {"trace_id": "7", "span_id": "0" * 16}.items()


async def test_what_is_refused_without_a_name_is_all_put_aside(sink: HttpSink, tmp_path: Path) -> None:
    sink.answers = [Answer(200, b'{"partialSuccess":{"rejectedLogRecords":"2","errorMessage":"too old"}}')]
    async with opened(tmp_path, "otlp", url=sink.url) as output:
        refused = await output.write([batch(1, "a", "b"), batch(2, "c")])
    assert [(each.batch[-1], each.row) for each in refused] == [(1, 0), (1, 1), (2, 0)]
    assert {each.reason for each in refused} == {"2 of 3 records were refused, it is not said which: too old"}


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        pytest.param(Answer(200, b'{"partialSuccess":{"errorMessage":"a warning"}}'), None, id="a warning"),
        pytest.param(Answer(200), None, id="nothing said"),
        pytest.param(Answer(200, b"<html>"), NotNow, id="another server"),
        pytest.param(Answer(400, b'{"code":3,"message":"bad"}'), BadInput, id="bad"),
        pytest.param(Answer(503, b"", {"Retry-After": "1"}), NotNow, id="busy"),
    ],
)
async def test_answers(sink: HttpSink, tmp_path: Path, answer: Answer, error: type[Exception] | None) -> None:
    sink.answers = [answer]
    async with opened(tmp_path, "otlp", url=sink.url) as output:
        if error is None:
            assert await output.write([batch(1, "a")]) == ()
            return
        with pytest.raises(error):
            await output.write([batch(1, "a")])
