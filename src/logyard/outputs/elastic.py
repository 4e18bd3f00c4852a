"""To Elasticsearch or OpenSearch, by the bulk API.

    POST /_bulk     {"create":{"_index":"logs-shop-default","_id":"<batch>-<row>"}}
                    {"@timestamp":"...","log.level":"INFO","service.name":"shop","message":"paid","user":7}

Every item has its own answer: what is busy (429, 5xx) is sent again, alone; what is refused goes to the dead letters
with its reason. The id follows from the record, so one that comes again is answered 409 and is in the index once. Names
are those of the Elastic Common Schema.
"""

import asyncio
import base64
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal

import msgspec
import polars as pl

from logyard.errors import BadConfig, NotNow
from logyard.formats.json.batches import joined
from logyard.model.batch import Batch
from logyard.outputs.http_client import Compression, HttpClient, packed
from logyard.outputs.rendering.canonical import COLUMNS, canonical
from logyard.outputs.rendering.lines import keys, owners, run_key
from logyard.outputs.rendering.template import Template
from logyard.ports import Place, Refused
from logyard.registry import component

__all__ = ["Elastic", "ElasticConfig"]

_ECS: Final = {
    **{name: name for name in COLUMNS},
    "timestamp": "@timestamp",
    "level": "log.level",
    "service": "service.name",
    "host": "host.name",
    "source": "log.file.path",
    "trace_id": "trace.id",
    "span_id": "span.id",
}
_DONE: Final = range(200, 300)
_THERE: Final = 409
_BUSY: Final = 429
_SERVER_ERROR: Final = 500
_RUNS: Final = 64


class ElasticConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and into which index."""

    url: str
    """``https://HOST:9200``."""
    index: str = "logs-generic-default"
    """Index or data stream; may hold ``%Y %m %d %H`` of the record's time (UTC) and ``{service}``, ``{host}``,
    ``{level}``."""
    operation: Literal["create", "index"] = "create"
    """Data streams take nothing but create."""
    pipeline: str = ""
    """Ingest pipeline of theirs."""
    api_key: str = ""
    """Sent as ``Authorization: ApiKey``."""
    username: str = ""
    password: str = ""
    compression: Literal["none", "gzip"] = "gzip"
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    """Seconds for an answer."""
    verify: bool = True
    """Whether the certificate is checked."""
    authorities: str = ""
    """File of certificates to check it by; "": those of the machine."""


class _Failure(msgspec.Struct, frozen=True):
    type: str = ""
    reason: str = ""


class _Item(msgspec.Struct, frozen=True):
    status: int
    error: _Failure | str = ""


class _Answer(msgspec.Struct, frozen=True):
    errors: bool
    items: list[dict[str, _Item]]


class _Left(msgspec.Struct, frozen=True):
    """What is left of a run when some of its items were busy."""

    rows: Sequence[int]
    refused: Sequence[Refused]


@component("elastic", config=ElasticConfig, example='url = "http://127.0.0.1:9200"\nindex = "logs-{service}-default"\n')
class Elastic:
    """Elasticsearch or OpenSearch, each record once by its id."""

    def __init__(self, config: ElasticConfig) -> None:
        """Raises ``BadConfig``."""
        if config.api_key and config.username:
            raise BadConfig("an API key or a user, not both", path="api_key")
        self._config = config
        self._index = Template(config.index, path="index", lower=True)
        self._path = "/_bulk" + (f"?pipeline={config.pipeline}" if config.pipeline else "")
        headers = {"Content-Type": "application/x-ndjson", **_authorization(config)}
        verify = config.authorities or config.verify
        self._client = HttpClient(config.url, timeout=config.timeout, headers=headers, verify=verify)
        self._left: OrderedDict[str, _Left] = OrderedDict()

    async def open(self, place: Place) -> None:
        """Nothing to prepare: connections are made when there is something to send."""

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when every item is in the index, or refused."""
        key = run_key(batches)
        owned = owners(batches)
        left = self._left.pop(key, _Left(range(len(owned)), ()))
        body, headers = await asyncio.to_thread(self._request, batches, left.rows)
        answer = _decoded(await self._client.post(self._path, body, headers), len(left.rows), self._client.url)
        items = [next(iter(item.values())) for item in answer.items] if answer.errors else []
        refused = [*left.refused]
        busy = []
        for row, item in zip(left.rows, items, strict=False):
            if item.status == _BUSY or item.status >= _SERVER_ERROR:
                busy.append((row, item))
            elif item.status not in _DONE and item.status != _THERE:
                refused.append(Refused(*owned[row], _words(item)))
        if busy:
            self._keep(key, _Left([row for row, _ in busy], refused))
            raise NotNow(f"{self._client.url}: {len(busy)} items are to be sent again: {_words(busy[0][1])}")
        return refused

    async def close(self) -> None:
        """Let the connections go."""
        await self._client.close()

    def _keep(self, key: str, left: _Left) -> None:
        self._left[key] = left
        if len(self._left) > _RUNS:
            self._left.popitem(last=False)

    def _request(self, batches: Sequence[Batch], rows: Sequence[int]) -> tuple[bytes, Mapping[str, str]]:
        frame = joined(batches)
        table = pl.DataFrame({"index": self._index.of(frame), "id": keys(batches), "line": canonical(frame, _ECS)})
        front = f'{{"{self._config.operation}":{{"_index":"'
        action = pl.concat_str(pl.lit(front), "index", pl.lit('","_id":"'), "id", pl.lit('"}}'))
        pairs = table[list(rows)].select(pl.concat_str(action, "line", separator="\n")).to_series()
        compression: Compression = self._config.compression
        return packed(("\n".join(pairs) + "\n").encode(), compression)


def _authorization(config: ElasticConfig) -> Mapping[str, str]:
    if config.api_key:
        return {"Authorization": f"ApiKey {config.api_key}"}
    if config.username:
        pair = base64.b64encode(f"{config.username}:{config.password}".encode()).decode()
        return {"Authorization": f"Basic {pair}"}
    return {}


def _decoded(body: bytes, rows: int, url: str) -> _Answer:
    try:
        answer = msgspec.json.decode(body, type=_Answer)
    except msgspec.DecodeError as error:
        raise NotNow(f"{url} answers no bulk request: {body[:100]!r}") from error
    if len(answer.items) != rows:
        raise NotNow(f"{url} was sent {rows} items and answers for {len(answer.items)}")
    return answer


def _words(item: _Item) -> str:
    error = item.error
    return f"{item.status}: {error if isinstance(error, str) else f'{error.type}: {error.reason}'}"
