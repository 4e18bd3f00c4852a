"""To anything that takes records over HTTP.

    POST url      Content-Type, Content-Encoding, Idempotency-Key: of the run of batches; the same again is the same

At least once: a lost answer makes the same request come again, under the same key.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec

from logyard.errors import BadConfig
from logyard.model.batch import Batch
from logyard.outputs.http_client import Compression, HttpClient, packed, refuse
from logyard.outputs.rendering.lines import Form, json_lines, raw_lines, run_key
from logyard.ports import Place, Refused
from logyard.registry import component

__all__ = ["Http", "HttpConfig"]

_TYPES: Final = {
    "ndjson": "application/x-ndjson",
    "json": "application/json",
    "text": "text/plain; charset=utf-8",
}


class HttpConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and how records are written."""

    url: str
    """The whole address, with its path."""
    method: Literal["POST", "PUT", "PATCH"] = "POST"
    headers: dict[str, str] = {}
    """Sent with every request; they go before ours."""
    bearer: str = ""
    """Sent as ``Authorization: Bearer``."""
    format: Literal["ndjson", "json", "text"] = "ndjson"
    """ndjson: an object a line; json: an array; text: lines as they came, the cheapest, and of records that steps have
    looked into the messages."""
    records: Form = "sent"
    """sent: as their sender wrote them; canonical: under our names of the fields, times and levels normalised."""
    compression: Compression = "none"
    idempotency_header: str = "Idempotency-Key"
    """Header that tells a request from others, and is the same when it comes again; "": none."""
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    """Seconds for an answer."""
    verify: bool = True
    """Whether the certificate is checked."""
    authorities: str = ""
    """File of certificates to check it by; "": those of the machine."""


@component("http", config=HttpConfig, example='url = "http://127.0.0.1:9000/logs"\ncompression = "gzip"\n')
class Http:
    """Any HTTP server, as JSON lines, a JSON array or text."""

    def __init__(self, config: HttpConfig) -> None:
        """Raises ``BadConfig``."""
        if any("\n" in text or "\r" in text for pair in config.headers.items() for text in pair):
            raise BadConfig("a header is one line", path="headers")
        bearer = {"Authorization": f"Bearer {config.bearer}"} if config.bearer else {}
        headers = {"Content-Type": _TYPES[config.format], **bearer, **config.headers}
        verify = config.authorities or config.verify
        self._client = HttpClient(config.url, timeout=config.timeout, headers=headers, verify=verify)
        self._config = config

    async def open(self, place: Place) -> None:
        """Nothing to prepare: connections are made when there is something to send."""

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when the server has said yes."""
        body, headers = await asyncio.to_thread(self._request, batches)
        refuse(self._client.url, await self._client.send("", body, headers, method=self._config.method))
        return ()

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.close()

    def _request(self, batches: Sequence[Batch]) -> tuple[bytes, Mapping[str, str]]:
        config = self._config
        if config.format == "text":
            body = raw_lines(batches) + b"\n"
        else:
            lines = json_lines(batches, config.records)
            body = lines + b"\n" if config.format == "ndjson" else b"[%b]" % lines.replace(b"\n", b",")
        key = {config.idempotency_header: run_key(batches)} if config.idempotency_header else {}
        body, encoding = packed(body, config.compression)
        return body, {**encoding, **key}
