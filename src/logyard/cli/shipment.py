"""Blocks to the server: in order, each exactly once, again and again until it is durable there."""

import threading
import uuid
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeVar

import msgspec
import zstandard

from logyard.cli.intake import Block, Refusal
from logyard.cli.remote import Patience, Refused, Remote, persist
from logyard.errors import Closing, LogyardError, TooLarge

__all__ = ["SHOWN_REFUSALS", "Report", "Shipment", "Tally"]

SHOWN_REFUSALS: Final = 10
"""Refusals that are kept in words; all are counted."""

Kind = TypeVar("Kind", bound=msgspec.Struct)

_HEADERS: Final = {"Content-Type": "application/x-ndjson", "Content-Encoding": "zstd"}


class _Refused(msgspec.Struct, frozen=True):
    index: int
    reason: str = ""


class _Answer(msgspec.Struct, frozen=True):
    """What ``POST /ingest`` says."""

    accepted: int
    rejected: int = 0
    errors: tuple[_Refused, ...] = ()


class _Problem(msgspec.Struct, frozen=True):
    """What it says when nothing of a block could be kept."""

    errors: tuple[_Refused, ...] = ()


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How far it has come."""

    stored: int = 0
    """Records that the server holds durably."""
    rejected: int = 0
    blank: int = 0
    repaired: int = 0
    refusals: tuple[Refusal, ...] = ()
    """The first ``SHOWN_REFUSALS`` of what was rejected."""

    def plus(self, block: Block, answer: _Answer) -> "Tally":
        """The tally after the server's answer to a block."""
        named = [
            Refusal(block.source, block.numbers[refused.index], refused.reason)
            for refused in answer.errors[:SHOWN_REFUSALS]
            if 0 <= refused.index < len(block.numbers)
        ]
        return Tally(
            stored=self.stored + answer.accepted,
            rejected=self.rejected + answer.rejected + len(block.refused),
            blank=self.blank + block.blank,
            repaired=self.repaired + block.repaired,
            refusals=(*self.refusals, *block.refused, *named)[:SHOWN_REFUSALS],
        )


Report = Callable[[Block, Tally], None]
_Pending = tuple[Block, Future[_Answer]]


class Shipment:
    """Sends blocks. With ``parallel`` 1 the order of the lines is the order of their ids."""

    def __init__(self, remote: Remote, patience: Patience, *, parallel: int = 1) -> None:
        self._remote = remote
        self._parallel = parallel
        self._stopped = threading.Event()
        self._patience = msgspec.structs.replace(patience, pause=self._pause)
        # One key per block: a repetition after a lost answer stores nothing twice.
        self._key = uuid.uuid4().hex

    def send(self, blocks: Iterable[Block], report: Report) -> Tally:
        """Return when all is durable. ``report`` is called after each block, in order.

        Raises ``LogyardError`` that says from which line on nothing is known to be stored.
        """
        with ThreadPoolExecutor(self._parallel, thread_name_prefix="send") as pool:
            try:
                return self._flow(pool, blocks, report)
            except BaseException:
                self._stopped.set()
                pool.shutdown(wait=False, cancel_futures=True)
                raise

    def _flow(self, pool: ThreadPoolExecutor, blocks: Iterable[Block], report: Report) -> Tally:
        tally = Tally()
        pending: deque[_Pending] = deque()
        for number, block in enumerate(blocks):
            pending.append((block, pool.submit(self._deliver, block, number)))
            # One block is read ahead while the others are under way.
            if len(pending) > self._parallel:
                tally = _settled(tally, pending.popleft(), report)
        while pending:
            tally = _settled(tally, pending.popleft(), report)
        return tally

    def _deliver(self, block: Block, number: int) -> _Answer:
        if not block.numbers:
            return _Answer(accepted=0)
        body = zstandard.ZstdCompressor(level=1).compress(block.lines)
        headers = {**_HEADERS, "Idempotency-Key": f"{self._key}-{number}"}
        try:
            answer = persist(lambda: self._remote.post("/ingest", body, headers), self._patience)
        except TooLarge as error:
            return _none(block, str(error))
        except Refused as error:
            return _none(block, str(error), named=_decoded(error.body, _Problem).errors)
        return _decoded(answer, _Answer)

    def _pause(self, seconds: float) -> None:
        if self._stopped.wait(seconds):
            raise Closing("stopped")


def _none(block: Block, reason: str, *, named: tuple[_Refused, ...] = ()) -> _Answer:
    """The answer to a block of which nothing was kept."""
    rows = len(block.numbers)
    unnamed = tuple(_Refused(index, reason) for index in range(min(rows, SHOWN_REFUSALS)))
    return _Answer(accepted=0, rejected=rows, errors=named or unnamed)


def _decoded(answer: bytes, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.DecodeError as error:
        raise LogyardError(f"this is no Logyard server; it answered {answer[:100]!r}") from error


def _settled(tally: Tally, pending: _Pending, report: Report) -> Tally:
    block, future = pending
    try:
        tally = tally.plus(block, future.result())
    except LogyardError as error:
        place = f"{block.source}:{block.numbers[0]}"
        text = f"{error}\n{tally.stored:,} records are stored; from {place} on it is not known"
        raise LogyardError(text) from error
    report(block, tally)
    return tally
