"""To Loki, by its push API: few labels, everything else as structured metadata.

    POST /loki/api/v1/push     {"streams":[{"stream":{"service_name":"shop"},"values":[["<ns>","paid",{"user":"7"}]]}]}

Loki keeps a pair of a time and a line once in a stream, so that what comes again is no duplicate. A push that it
refuses (400) may have been taken in part: entries that are too old by its own words go to the dead letters and the
others come again; of what it refuses for other reasons the culprits are found by halving.
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
import polars as pl

from logyard.errors import BadConfig, BadInput, NotNow, TooLarge
from logyard.formats.json.batches import joined
from logyard.model import timestamp
from logyard.model.batch import Batch
from logyard.outputs.http_client import Compression, HttpClient, packed
from logyard.outputs.rendering.canonical import canonical, rest
from logyard.outputs.rendering.lines import owners
from logyard.ports import Place, Refused
from logyard.registry import component
from logyard.types import Json

__all__ = ["Loki", "LokiConfig"]

_FIELDS: Final = ("service", "host", "source", "level")
_METADATA: Final = ("host", "source", "level", "trace_id", "span_id", "correlation_id")
_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_ODD: Final = re.compile(r"[^a-zA-Z0-9_]+")
_TOO_OLD: Final = re.compile(r"oldest acceptable timestamp is: ([0-9TZ:.+-]+)")
_MOST_FIELDS: Final = 100
_MOST_BYTES: Final = 48_000
"""Loki takes 128 fields and 64 KB beside a line."""
_LABEL: Final = 1024
_GIVE_UP: Final = 16
"""So many refusals one after another, without anything taken: they are all alike."""


class LokiConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and what makes a stream."""

    url: str
    """``http://HOST:3100``."""
    labels: dict[str, str] = msgspec.field(default_factory=lambda: {"service_name": "service"})
    """Label by label, the field whose value it gets: service, host, source or level."""
    static: dict[str, str] = msgspec.field(default_factory=lambda: {"job": "logyard"})
    """Labels of all streams."""
    max_streams: Annotated[int, msgspec.Meta(gt=0)] = 1000
    """Of more different streams than these, the later ones have the static labels alone."""
    line: Literal["message", "json"] = "message"
    """message: the fields beside it are structured metadata; json: all of the record in the line."""
    tenant: str = ""
    """Sent as ``X-Scope-OrgID``."""
    bearer: str = ""
    """Sent as ``Authorization: Bearer``."""
    compression: Literal["none", "gzip"] = "gzip"
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    """Seconds for an answer."""
    verify: bool = True
    """Whether the certificate is checked."""
    authorities: str = ""
    """File of certificates to check it by; "": those of the machine."""


Entry = tuple[str, str, dict[str, str]]


@component("loki", config=LokiConfig, example='url = "http://127.0.0.1:3100"\n')
class Loki:
    """Loki, with structured metadata."""

    def __init__(self, config: LokiConfig) -> None:
        """Raises ``BadConfig``."""
        odd = [name for name in (*config.labels, *config.static) if not _NAME.fullmatch(name)]
        if odd or not set(config.labels.values()) <= set(_FIELDS) or not (config.labels or config.static):
            raise BadConfig(f"labels are names of {_FIELDS}, one at least: {config.labels}", path="labels")
        self._config = config
        tenant = {"X-Scope-OrgID": config.tenant} if config.tenant else {}
        bearer = {"Authorization": f"Bearer {config.bearer}"} if config.bearer else {}
        headers = {"Content-Type": "application/json", **tenant, **bearer}
        verify = config.authorities or config.verify
        self._client = HttpClient(config.url, timeout=config.timeout, headers=headers, verify=verify)
        self._streams: set[tuple[str, ...]] = set()

    async def open(self, place: Place) -> None:
        """Nothing to prepare: connections are made when there is something to send."""

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when all of them are there, or refused."""
        frame = await asyncio.to_thread(joined, batches)
        owned = owners(batches)
        reasons = await _Push(self, frame).deliver()
        return [Refused(*owned[row], reason) for row, reason in reasons.items()]

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.close()

    async def push(self, frame: pl.DataFrame) -> None:
        """All of the records, or an error that says what to do with them."""
        body, headers = await asyncio.to_thread(self._request, frame)
        try:
            await self._client.post("/loki/api/v1/push", body, headers)
        except NotNow as error:
            if "larger than max" in str(error):  # a limit between its own parts, told as a failure
                raise TooLarge(str(error)) from error
            raise

    def _request(self, frame: pl.DataFrame) -> tuple[bytes, Mapping[str, str]]:
        rows = frame.sort("timestamp", maintain_order=True)
        streams: dict[tuple[str, ...], list[Entry]] = {}
        values = rows.select(self._config.labels.values()).rows() if self._config.labels else [()] * rows.height
        for label, entry in zip(values, self._entries(rows), strict=True):
            streams.setdefault(self._known(label), []).append(entry)
        pushed = [{"stream": self._labels(label), "values": entries} for label, entries in streams.items()]
        compression: Compression = self._config.compression
        return packed(msgspec.json.encode({"streams": pushed}), compression)

    def _entries(self, rows: pl.DataFrame) -> list[Entry]:
        """Time, line and structured metadata; a record with more fields than Loki takes beside a line is all line."""
        times, metadata = list(map(str, rows["timestamp"].cast(pl.Int64))), self._metadata(rows)
        beyond = pl.Series([not _fits(fields) for fields in metadata], dtype=pl.Boolean)
        if self._config.line == "message" and not beyond.any():
            return list(zip(times, rows["message"], metadata, strict=True))
        whole = beyond | pl.Series([self._config.line == "json"])
        lines = canonical(rows).zip_with(whole, rows["message"])
        return list(
            zip(times, lines, [{} if all_ else own for all_, own in zip(whole, metadata, strict=True)], strict=True)
        )

    def _known(self, label: tuple[str, ...]) -> tuple[str, ...]:
        """The stream's values, as long as there are not too many; those of all the others together after that."""
        if label not in self._streams:
            if len(self._streams) >= self._config.max_streams:
                return ()
            self._streams.add(label)
        return label

    def _labels(self, label: tuple[str, ...]) -> Mapping[str, str]:
        own = dict(zip(self._config.labels, label, strict=False))
        found = {name: text[:_LABEL] for name, text in own.items() if text} | self._config.static
        return found or {"job": "logyard"}

    def _metadata(self, rows: pl.DataFrame) -> list[dict[str, str]]:
        names = [name for name in ("service", *_METADATA) if name not in self._config.labels.values()]
        tags = rows["tags"].list.join(",").alias("tags")
        known = rows.select(names).with_columns(tags).rows(named=True)
        return [
            {**_flat(own), **{name: text for name, text in row.items() if text}}
            for own, row in zip(rest(rows), known, strict=True)
        ]


class _Push:
    """Delivery of the records of a run, of which Loki may refuse some."""

    def __init__(self, loki: Loki, frame: pl.DataFrame) -> None:
        self._loki = loki
        self._frame = frame.with_row_index("row")
        self._refused: dict[int, str] = {}
        self._in_a_row = 0

    async def deliver(self) -> Mapping[int, str]:
        """Rows that were refused, and why."""
        await self._try(self._frame)
        return self._refused

    async def _try(self, part: pl.DataFrame) -> None:
        if not part.height:
            return
        try:
            await self._loki.push(part)
        except TooLarge:
            raise
        except BadInput as error:
            await self._sift(part, str(error))
        else:
            self._in_a_row = 0

    async def _sift(self, part: pl.DataFrame, reason: str) -> None:
        found = _TOO_OLD.search(reason)
        oldest = timestamp.parse(found[1]) if found else None
        early = part.filter(pl.col("timestamp").cast(pl.Int64) < (oldest or 0))
        if early.height:
            self._refuse(early, reason)
            await self._try(part.filter(~pl.col("row").is_in(early["row"].implode())))
        elif part.height == 1 or self._in_a_row >= _GIVE_UP:
            self._refuse(part, reason)
            self._in_a_row += 1
        else:
            await self._try(part.head(part.height // 2))
            await self._try(part.tail(-(part.height // 2)))

    def _refuse(self, part: pl.DataFrame, reason: str) -> None:
        self._refused |= dict.fromkeys(part["row"].to_list(), reason)


def _flat(record: Mapping[str, Json]) -> dict[str, str]:
    return {
        _ODD.sub("_", name).strip("_") or "_": value if isinstance(value, str) else msgspec.json.encode(value).decode()
        for name, value in record.items()
        if value is not None
    }


def _fits(fields: Mapping[str, str]) -> bool:
    return (
        len(fields) <= _MOST_FIELDS and sum(len(name) + 4 * len(text) for name, text in fields.items()) <= _MOST_BYTES
    )
