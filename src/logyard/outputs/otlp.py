"""To anything that takes OpenTelemetry logs over HTTP (OTLP 1.x, in its JSON encoding).

    POST /v1/logs     {"resourceLogs":[{"resource":{...},"scopeLogs":[{"scope":{...},"logRecords":[...]}]}]}

A resource is a service on a host. Ids of traces and spans that are none by OpenTelemetry's rules stay attributes. When
the other side refuses some records of a request it does not say which: the request goes to the dead letters with what
it said. At least once: OTLP knows no ids.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
import polars as pl

from logyard.errors import NotNow
from logyard.formats.json.batches import joined
from logyard.model.batch import Batch
from logyard.outputs.http_client import Compression, HttpClient, packed
from logyard.outputs.rendering.canonical import rest
from logyard.outputs.rendering.lines import owners
from logyard.ports import Place, Refused
from logyard.registry import component
from logyard.types import Json

__all__ = ["Otlp", "OtlpConfig"]

_TRACE: Final = re.compile(r"(?!0{32})[0-9a-fA-F]{32}")
_SPAN: Final = re.compile(r"(?!0{16})[0-9a-fA-F]{16}")
_INT64: Final = range(-(1 << 63), 1 << 63)
_DEEPEST: Final = 32


class OtlpConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it is."""

    url: str
    """``http://HOST:4318``; the path ``/v1/logs`` is added."""
    headers: dict[str, str] = {}
    """Sent with every request: keys, tenants."""
    compression: Literal["none", "gzip"] = "gzip"
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    """Seconds for an answer."""
    verify: bool = True
    """Whether the certificate is checked."""
    authorities: str = ""
    """File of certificates to check it by; "": those of the machine."""


class _Partial(msgspec.Struct, frozen=True, rename="camel"):
    rejected_log_records: int | str = 0
    error_message: str = ""


class _Answer(msgspec.Struct, frozen=True, rename="camel"):
    partial_success: _Partial | None = None


@component("otlp", config=OtlpConfig, example='url = "http://127.0.0.1:4318"\nheaders = { api-key = "..." }\n')
class Otlp:
    """OpenTelemetry collectors, and all that takes OTLP over HTTP."""

    def __init__(self, config: OtlpConfig) -> None:
        """Raises ``BadConfig``."""
        headers = {"Content-Type": "application/json", **config.headers}
        verify = config.authorities or config.verify
        self._client = HttpClient(config.url, timeout=config.timeout, headers=headers, verify=verify)
        self._compression: Compression = config.compression

    async def open(self, place: Place) -> None:
        """Nothing to prepare: connections are made when there is something to send."""

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when they are taken, or refused."""
        body, headers = await asyncio.to_thread(lambda: packed(_request(batches), self._compression))
        reply = await self._client.post("/v1/logs", body, headers)
        try:
            partial = msgspec.json.decode(reply or b"{}", type=_Answer).partial_success
        except msgspec.DecodeError as error:
            raise NotNow(f"{self._client.url} takes no OTLP: it answers {reply[:100]!r}") from error
        if partial is None or not int(partial.rejected_log_records):
            return ()
        owned = owners(batches)
        told = f"{partial.rejected_log_records} of {len(owned)} records were refused, it is not said which"
        return [Refused(batch, row, f"{told}: {partial.error_message}") for batch, row in owned]

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.close()


def _request(batches: Sequence[Batch]) -> bytes:
    frame = joined(batches).with_columns(
        pl.Series("observed", [batch.received for batch in batches for _ in range(batch.rows)], dtype=pl.Int64)
    )
    parts = frame.partition_by("service", "host", maintain_order=True)
    return msgspec.json.encode({"resourceLogs": [_resource(part) for part in parts]})


def _resource(part: pl.DataFrame) -> Mapping[str, object]:
    known = {"service.name": part["service"][0], "host.name": part["host"][0]}
    times = part["timestamp"].cast(pl.Int64)
    rows = zip(part.rows(named=True), times, rest(part), strict=True)
    records = [_record(row, time, own) for row, time, own in rows]
    resource = {"attributes": _attributes({name: text for name, text in known.items() if text})}
    return {"resource": resource, "scopeLogs": [{"scope": {"name": "logyard"}, "logRecords": records}]}


def _record(row: Mapping[str, object], time: int, own: Mapping[str, Json]) -> Mapping[str, object]:
    ids = {"traceId": (str(row["trace_id"]), _TRACE), "spanId": (str(row["span_id"]), _SPAN)}
    sound = {name: text.lower() for name, (text, rule) in ids.items() if rule.fullmatch(text)}
    odd = {name: text for name, (text, _) in ids.items() if text and name not in sound}
    known: dict[str, Json] = {
        "log.file.path": str(row["source"]),
        "correlation_id": str(row["correlation_id"]),
        "trace_id": odd.get("traceId", ""),
        "span_id": odd.get("spanId", ""),
        "tags": list(row["tags"]),  # type: ignore[call-overload] # a list of texts
    }
    severity = {"severityNumber": row["severity"]} if row["severity"] else {}
    level = {"severityText": row["level_text"] or row["level"]} if row["level"] or row["level_text"] else {}
    return {
        "timeUnixNano": str(time),
        "observedTimeUnixNano": str(row["observed"]),
        **severity,
        **level,
        "body": {"stringValue": row["message"]},
        "attributes": _attributes({**own, **{name: value for name, value in known.items() if value}}),
        **sound,
    }


def _attributes(fields: Mapping[str, Json]) -> list[dict[str, object]]:
    return [{"key": name, "value": _value(value)} for name, value in fields.items()]


def _value(value: Json, depth: int = 0) -> dict[str, object]:
    """An ``AnyValue``. 64-bit integers are text in this encoding; what is deeper than 32 is JSON text."""
    if depth == _DEEPEST:
        return {"stringValue": msgspec.json.encode(value).decode()}
    match value:
        case None:
            return {}
        case bool():
            return {"boolValue": value}
        case int() if value in _INT64:
            return {"intValue": str(value)}
        case int() | float():
            return {"doubleValue": float(value)}
        case str():
            return {"stringValue": value}
        case list():
            return {"arrayValue": {"values": [_value(each, depth + 1) for each in value]}}
        case _:
            pairs = [{"key": name, "value": _value(each, depth + 1)} for name, each in value.items()]
            return {"kvlistValue": {"values": pairs}}
