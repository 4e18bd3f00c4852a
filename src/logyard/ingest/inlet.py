"""The way in: ids, the pipeline, the write-ahead log, then the live side. Await returns when the records are
durable.
"""

import asyncio
import os
from typing import Final

import msgspec
import polars as pl

from logyard.clock import Clock
from logyard.errors import BadInput, Closing
from logyard.formats.json.settle import settled
from logyard.ingest.ledger import Ledger
from logyard.model.batch import Batch, Encoded, Receipt
from logyard.model.ids import LogIds
from logyard.pipeline.chain import Chain
from logyard.ports import Buffer, Submission, Tap
from logyard.telemetry import Event, Telemetry
from logyard.types import BatchId, Nanoseconds

__all__ = ["BatchAccepted", "DuplicateAnswered", "InletParts", "RecordsDropped", "WalInlet"]

_EARLY: Final = 3_600 * 1_000_000_000
"""Nanoseconds by which the clock of whoever accepted records first may be ahead of ours."""


class BatchAccepted(Event, frozen=True, kw_only=True):
    """Records that are durable; ``seconds`` is from hand-in to acknowledgement."""

    count: int
    seconds: float


class RecordsDropped(Event, frozen=True, kw_only=True):
    """Records that the pipeline's steps left out."""

    count: int


class DuplicateAnswered(Event, frozen=True, kw_only=True):
    """Requests that had been accepted before and got their first answer again."""


class InletParts(msgspec.Struct, frozen=True, kw_only=True):
    """What an inlet works with."""

    ids: LogIds
    chain: Chain
    ledger: Ledger
    tap: Tap
    """Told of every batch right after its commit, in the order of acknowledgement."""
    clock: Clock
    telemetry: Telemetry
    is_store: bool = True
    """What the log holds goes to a store, so that raw bodies must be looked at; on their way to another process they
    travel as they are."""


class WalInlet:
    """``ports.Inlet`` in front of a write-ahead log."""

    def __init__(self, wal: Buffer, parts: InletParts) -> None:
        """What it takes in is durable when ``wal`` says so."""
        self._wal = wal
        self._ids = parts.ids
        self._chain = parts.chain
        self._ledger = parts.ledger
        self._tap = parts.tap
        self._clock = parts.clock
        self._telemetry = parts.telemetry
        self._is_store = parts.is_store
        self._closing = False
        self._busy: dict[BatchId, asyncio.Task[Receipt]] = {}

    async def accept(self, submission: Submission) -> Receipt:
        """Return when the records would survive a crash."""
        if self._closing:
            raise Closing("the process is stopping; send this again to its successor", retry_after=2)
        placed = submission.placed
        if placed is not None and placed.received > self._clock.now() + _EARLY:
            raise BadInput(
                f"records that arrived {placed.received} ns after 1970 are not of this time: check the clocks"
            )
        if submission.key:
            return await self._keyed(submission)
        return await self._commit(submission, BatchId(os.urandom(16)))

    def close(self) -> None:
        """Take nothing new from now on."""
        self._closing = True

    async def _keyed(self, submission: Submission) -> Receipt:
        batch_id = self._ledger.id_of(submission.tenant, submission.key)
        task = self._busy.get(batch_id)
        again = task is not None
        if task is None:
            task = asyncio.ensure_future(self._once(submission, batch_id))
            self._busy[batch_id] = task
            task.add_done_callback(lambda _: self._busy.pop(batch_id, None))
        receipt = await asyncio.shield(task)
        if again or receipt.duplicate:
            self._telemetry.emit(DuplicateAnswered())
            return Receipt(first=receipt.first, rows=receipt.rows, duplicate=True)
        return receipt

    async def _once(self, submission: Submission, batch_id: BatchId) -> Receipt:
        fresh = submission.placed is not None and submission.placed.fresh
        seen = self._ledger.recent(batch_id) if fresh else await self._ledger.seen(batch_id)
        return seen if seen is not None else await self._commit(submission, batch_id)

    async def _commit(self, submission: Submission, batch_id: BatchId) -> Receipt:
        started = self._clock.monotonic()
        placed = submission.placed
        received = Nanoseconds(self._clock.now()) if placed is None else placed.received
        body = submission.body
        if self._is_store and isinstance(body, Encoded) and body.reading.kind == "raw":
            body = await asyncio.to_thread(settled, body)
        if self._chain and placed is None:
            body = await asyncio.to_thread(self._chain.apply, body, received)
            dropped = _rows(submission.body) - _rows(body)
            if dropped > 0:
                self._telemetry.emit(RecordsDropped(count=dropped))
        keyed = bool(submission.key)
        batch = Batch(
            id=batch_id,
            first=self._ids.reserve(max(1, _rows(body))) if placed is None else placed.first,
            received=received,
            body=body,
            tenant=submission.tenant,
            keyed=keyed,
            mark=submission.mark,
        )
        receipt = Receipt(first=batch.first, rows=batch.rows)

        def committed(position: int) -> None:
            # Not after the wait: a caller that goes away must not keep a stored batch from the live side.
            if keyed:
                self._ledger.remember(batch_id, receipt, position)
            self._tap.publish(batch)

        if batch.rows:
            await self._wal.append(batch, committed)
        self._telemetry.emit(BatchAccepted(count=batch.rows, seconds=self._clock.monotonic() - started))
        return receipt


def _rows(body: Encoded | pl.DataFrame) -> int:
    return body.rows if isinstance(body, Encoded) else body.height
