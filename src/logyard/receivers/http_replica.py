"""Records that were accepted elsewhere and are to be the same records here: ``POST /api/v1/replica``.

The body is JSON lines. The first one says which blocks follow; the rest are the records, block by block:

    {"blocks":[{"first":7155414695936004096,"received":1706000000000000000,"rows":2}, ...]}
    {"timestamp":"2024-01-01T12:00:00Z","level":"ERROR","service":"shop","message":"no stock"}
    {"timestamp":"2024-01-01T12:00:01Z","level":"INFO","service":"shop","message":"stock again"}

A block is what one writer accepted as one: ``first`` is its first record's id as a number, ``received`` its arrival in
nanoseconds since 1970. Blocks are known by the machine number in ``first`` and by ``received``: one that is here
already is not stored again, whoever sends it and whenever. Its records must be those that it has everywhere, and the
writer's machine number no one else's (``ingest.machine``); both are the sender's promise. The answer is 200
``{"blocks":n,"rows":n,"stored":n}`` when all would survive a crash; otherwise some may be there, and the whole request
may come again. ``"fresh":true`` beside ``blocks`` promises that these have never been sent to anybody: it saves a
look-up on the disk.
"""

import asyncio
import itertools
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Annotated, Final

import msgspec

from logyard.errors import BadInput, BadPayload
from logyard.formats.json import lines as json_lines
from logyard.formats.json.line import Validated
from logyard.model.batch import Encoded
from logyard.model.handover import Placed
from logyard.model.ids import machine_of
from logyard.model.timestamp import END
from logyard.ports import Submission
from logyard.receivers.http_intake import (
    HttpAnswer,
    HttpRequest,
    HttpRoute,
    Intake,
    RecordsReceived,
    answer_json,
    validated,
)
from logyard.registry import component
from logyard.types import LogId, Nanoseconds

__all__ = ["HttpReplica", "HttpReplicaConfig"]

_NAME: Final = "http_replica"
_LAST: Final = (1 << 63) - 1
_TIME_SHIFT: Final = 22
"""Above it an id has its milliseconds (``model/ids.py``); a sequential one has hardly any."""
_MOST_BLOCKS: Final = 10_000
_EARLY: Final = 3_600_000
"""Milliseconds by which an id may be ahead of its record's arrival. Own ids rise above all that are stored: one from
the far future would leave none."""


class HttpReplicaConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where the route is."""

    path: str = "/api/v1/replica"


class _Block(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    first: Annotated[int, msgspec.Meta(ge=1, le=_LAST)]
    received: Annotated[int, msgspec.Meta(ge=0, lt=END)]
    rows: Annotated[int, msgspec.Meta(ge=1)]


class _Head(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    blocks: Annotated[list[_Block], msgspec.Meta(min_length=1, max_length=_MOST_BLOCKS)]
    fresh: bool = False


@component("http_replica", config=HttpReplicaConfig, example='path = "/api/v1/replica"\n')
class HttpReplica:
    """Records with the ids that another Logyard, or a feeding service, has given them."""

    def __init__(self, config: HttpReplicaConfig) -> None:
        self._path = config.path

    def routes(self, intake: Intake) -> Sequence[HttpRoute]:
        """The one."""
        summary = "Store records that were accepted elsewhere, with the ids they have there"
        return [HttpRoute(method="POST", path=self._path, handle=partial(_handle, intake), summary=summary)]


async def _handle(intake: Intake, request: HttpRequest) -> HttpAnswer:
    if request.header(b"origin"):
        raise BadInput("this route is not for browsers: it takes no request that brings Origin")
    first, _, lines = (await intake.body(request)).partition(b"\n")
    head = _head(first)
    found = await validated(lines, lambda body: json_lines.validate(body, limits=intake.limits))
    if found.encoded is None or found.rejected:
        raise _unusable(found)
    submissions = list(_submissions(head, found.encoded))
    # Side by side, so that they share the log's syncs.
    receipts = await asyncio.gather(*map(intake.inlet.accept, submissions))
    stored = sum(receipt.rows for receipt in receipts if not receipt.duplicate)
    if stored:
        intake.telemetry.emit(RecordsReceived(receiver=_NAME, count=stored, bytes=len(lines)))
    return answer_json(200, {"blocks": len(submissions), "rows": found.encoded.rows, "stored": stored})


def _head(line: bytes) -> _Head:
    try:
        head = msgspec.json.decode(line, type=_Head)
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadPayload(f"the first line does not say which blocks follow: {error}") from error
    for block in head.blocks:
        if block.first >> _TIME_SHIFT > block.received // 1_000_000 + _EARLY:
            raise BadPayload(f"the id {block.first} is of a later time than its record's arrival, {block.received}")
    return head


def _unusable(found: Validated) -> BadPayload:
    """All or nothing: a block without one of its records would be another block."""
    if not found.rejected:
        return BadPayload("no records follow the first line")
    return BadPayload(found.rejected[0].reason, index=found.rejected[0].index)


def _submissions(head: _Head, encoded: Encoded) -> Iterator[Submission]:
    wanted = sum(block.rows for block in head.blocks)
    if wanted != encoded.rows:
        raise BadPayload(f"the first line speaks of {wanted} records, and {encoded.rows} follow")
    lines = iter(encoded.lines.split(b"\n"))
    for block in head.blocks:
        body = b"\n".join(itertools.islice(lines, block.rows))
        yield Submission(
            body=Encoded(lines=body, rows=block.rows, reading=encoded.reading),
            key=f"block {machine_of(block.first)} {block.received}",  # no Idempotency-Key can hold a blank
            placed=Placed(LogId(block.first), Nanoseconds(block.received), head.fresh),
        )
