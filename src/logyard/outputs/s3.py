"""To object storage: an object of JSON lines for each run of batches.

    PUT bucket/logs/2026/11/26/10/<key>.jsonl.gz

The name follows from when the batches were taken in and from their ids: a run that comes again writes the same object.
How large objects become is decided by ``batch_bytes`` of the output and by ``wal.segment_seconds``: a run never reaches
beyond a segment of the log.
"""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec

from logyard.clock import Clock, SystemClock
from logyard.errors import BadConfig, BadInput, LogyardError, NotNow
from logyard.model.batch import Batch
from logyard.outputs.http_client import Compression, packed
from logyard.outputs.rendering.lines import Form, json_lines, run_key
from logyard.ports import Place, Refused
from logyard.registry import component
from logyard.store.s3 import Bucket, ObjectStorage

__all__ = ["S3", "S3OutputConfig"]

_ENDINGS: Final = {"none": "", "gzip": ".gz", "zstd": ".zst"}
_SECOND: Final = 1_000_000_000


class S3OutputConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and under which names."""

    bucket: str
    prefix: str = "logs/%Y/%m/%d/%H"
    """``%Y %m %d %H`` are of the time at which the records were taken in, UTC."""
    endpoint: str
    """``https://HOST`` or ``http://HOST:PORT``; buckets are part of the path."""
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""
    records: Form = "canonical"
    """canonical: under our names of the fields; sent: as their sender wrote them."""
    compression: Literal["none", "gzip", "zstd"] = "gzip"


_EXAMPLE = 'bucket = "logs"\nendpoint = "http://127.0.0.1:9000"\naccess_key = "me"\nsecret_key = "..."\n'


@component("s3", config=S3OutputConfig, example=_EXAMPLE)
class S3:
    """Object storage that speaks S3, an object for each run of batches."""

    def __init__(self, config: S3OutputConfig) -> None:
        """Raises ``BadConfig``."""
        self._config = config
        self._clock: Clock = SystemClock()
        self._lock = asyncio.Lock()
        try:
            self._bucket = self._opened()
        except BadInput as error:
            raise BadConfig(str(error), path="endpoint") from error

    async def open(self, place: Place) -> None:
        """Nothing to prepare: connections are made when there is something to send."""
        self._clock = place.clock
        self._bucket = self._opened()

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when the object is there."""
        key, body = await asyncio.to_thread(self._object, batches)
        async with self._lock:
            await asyncio.to_thread(self._put, key, body)
        return ()

    async def close(self) -> None:
        """Connections go with the bucket."""

    def _opened(self) -> Bucket:
        config = self._config
        storage = ObjectStorage(
            endpoint=config.endpoint,
            region=config.region,
            access_key=config.access_key,
            secret_key=config.secret_key,
        )
        return Bucket(storage, config.bucket, clock=self._clock)

    def _object(self, batches: Sequence[Batch]) -> tuple[str, bytes]:
        config = self._config
        taken = datetime.fromtimestamp(min(batch.received for batch in batches) // _SECOND, UTC)
        name = f"{run_key(batches)}.jsonl{_ENDINGS[config.compression]}"
        compression: Compression = config.compression
        body, _ = packed(json_lines(batches, config.records) + b"\n", compression)
        return f"{taken.strftime(config.prefix).strip('/')}/{name}".lstrip("/"), body

    def _put(self, key: str, body: bytes) -> None:
        """A bucket that is not there, and keys that do not fit, are the operator's doing: nothing is dropped."""
        try:
            self._bucket.write(key, body)
        except NotNow:
            raise
        except LogyardError as error:
            raise NotNow(str(error), retry_after=5.0) from error
