"""Which keyed batches there have been: an idempotency key may come again at any time and stores nothing twice.

Three places know, asked in this order: this map (what came lately), the write-ahead log (read into the map at the
start), and the store's table ``keyed_batches``. An entry leaves the map only when the store has it. Questions to the
store are gathered: however many requests wait, one query is under way.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b

from logyard.model.batch import Receipt
from logyard.types import BatchId, Tenant

__all__ = ["Ledger"]

Known = Callable[[Sequence[BatchId]], Mapping[BatchId, Receipt]]


class Ledger:
    """Belongs to one event loop."""

    def __init__(
        self,
        known: Known,
        passed: Callable[[], int],
        *,
        backlog: Mapping[BatchId, Receipt],
        position: int,
        capacity: int = 100_000,
    ) -> None:
        """``known`` asks the store (blocking). ``passed`` is the position up to which the store has everything.

        ``backlog``: keyed batches in the write-ahead log at the start, at or before ``position``.
        """
        self._known = known
        self._passed = passed
        self._capacity = capacity
        self._recent: OrderedDict[BatchId, tuple[Receipt, int]] = OrderedDict(
            (batch_id, (receipt, position)) for batch_id, receipt in backlog.items()
        )
        self._asked: dict[BatchId, asyncio.Future[Receipt | None]] = {}
        self._asking: asyncio.Task[None] | None = None

    @staticmethod
    def id_of(tenant: Tenant, key: str) -> BatchId:
        """The batch id that a sender's key stands for."""
        return BatchId(blake2b(key.encode(), digest_size=16, key=tenant.encode()[:64]).digest())

    def remember(self, batch_id: BatchId, receipt: Receipt, position: int) -> None:
        """A keyed batch has been committed at ``position``."""
        self._recent[batch_id] = (receipt, position)
        stored = self._passed() if len(self._recent) > self._capacity else -1
        while len(self._recent) > self._capacity and next(iter(self._recent.values()))[1] <= stored:
            self._recent.popitem(last=False)

    def recent(self, batch_id: BatchId) -> Receipt | None:
        """What this batch got when it came lately; None says nothing."""
        entry = self._recent.get(batch_id)
        return None if entry is None else Receipt(first=entry[0].first, rows=entry[0].rows, duplicate=True)

    async def seen(self, batch_id: BatchId) -> Receipt | None:
        """What this batch got when it came before; None when it never did. Raises what the store raises."""
        recent = self.recent(batch_id)
        if recent is not None:
            return recent
        future = self._asked.get(batch_id)
        if future is None:
            future = self._asked[batch_id] = asyncio.get_running_loop().create_future()
            if self._asking is None or self._asking.done():
                self._asking = asyncio.ensure_future(self._ask())
        return await asyncio.shield(future)

    async def _ask(self) -> None:
        while self._asked:
            asked, self._asked = self._asked, {}
            try:
                found = await asyncio.to_thread(self._known, list(asked))
            except Exception as error:  # noqa: BLE001 - handed to whoever asked, as it is
                for future in asked.values():
                    future.set_exception(error)
                continue
            for batch_id, future in asked.items():
                future.set_result(found.get(batch_id))
