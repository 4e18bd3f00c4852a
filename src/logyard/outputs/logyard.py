"""To another Logyard: each batch once, whatever is repeated, killed or lost on the way.

    POST /ingest?format=auto&source=...&service=...      Content-Encoding: zstd, Idempotency-Key: the batch's id

Lines travel as the bytes that they are, with what is known of all of them beside them; frames (what steps have made)
travel as JSON lines. The other side remembers the key for as long as the records are kept.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Final
from urllib.parse import urlencode

import msgspec
import zstandard

from logyard.errors import BadInput
from logyard.formats.json.written import written
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.outputs.http_client import HttpClient
from logyard.ports import Place, Refused
from logyard.registry import component

__all__ = ["Logyard", "LogyardConfig"]

_COLUMNS: Final = frozenset({"service", "host", "source", "level"})
_FORMATS: Final = {"raw": "auto", "mixed": "auto", "json": "auto", "plain": "plain"}


class LogyardConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where it is."""

    url: str
    """``http://HOST:PORT`` of the other Logyard."""
    key: str = ""
    """Sent as ``Authorization: Bearer``."""
    compression: Annotated[int, msgspec.Meta(ge=0, le=19)] = 1
    """Level of zstd; 0: none."""
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    """Seconds for an answer."""
    verify: bool = True
    """Whether the certificate is checked."""
    authorities: str = ""
    """File of certificates to check it by; "": those of the machine."""


class _Error(msgspec.Struct, frozen=True):
    index: int
    reason: str


class _Answer(msgspec.Struct, frozen=True):
    accepted: int = 0
    rejected: int = 0
    errors: tuple[_Error, ...] = ()


@component("logyard", config=LogyardConfig, example='url = "http://127.0.0.1:8005"\n')
class Logyard:
    """Another Logyard, each batch exactly once."""

    def __init__(self, config: LogyardConfig) -> None:
        headers = {"Authorization": f"Bearer {config.key}"} if config.key else {}
        verify = config.authorities or config.verify
        self._client = HttpClient(config.url, timeout=config.timeout, headers=headers, verify=verify)
        self._level = config.compression

    async def open(self, place: Place) -> None:
        """Nothing to prepare: connections are made when there is something to send."""

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when the other side has them durably; each by itself, for it is known there by its id."""
        return [refused for batch in batches for refused in await self._send(batch)]

    async def _send(self, batch: Batch) -> Sequence[Refused]:
        body, reading = _lines(batch)
        parameters = {"format": _FORMATS[reading.kind], **_named(reading)}
        headers = {"Content-Type": "text/plain; charset=utf-8", "Idempotency-Key": batch.id.hex()}
        if self._level:
            body = zstandard.ZstdCompressor(level=self._level).compress(body)
            headers["Content-Encoding"] = "zstd"
        reply = await self._client.post(f"/ingest?{urlencode(parameters)}", body, headers)
        try:
            answer = msgspec.json.decode(reply, type=_Answer)
        except msgspec.DecodeError as error:
            raise BadInput(f"{self._client.url} is no Logyard: it answered {reply[:100]!r}") from error
        return _refused(batch, answer)

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.close()


def _lines(batch: Batch) -> tuple[bytes, Reading]:
    if isinstance(batch.body, Encoded):
        return batch.body.lines, batch.body.reading
    return written(batch.body), DEFAULT_READING


def _named(reading: Reading) -> Mapping[str, str]:
    return {name if name in _COLUMNS else f"field.{name}": text for name, text in reading.constants}


def _refused(batch: Batch, answer: _Answer) -> Sequence[Refused]:
    """What it names; when it names less than it has refused, all of the batch, which may come again safely."""
    if answer.rejected > len(answer.errors):
        reason = f"{answer.rejected} of {batch.rows} records were refused, and not all were named"
        return [Refused(batch.id, row, reason) for row in range(batch.rows)]
    return [Refused(batch.id, each.index, each.reason) for each in answer.errors]
