"""A way in that keeps everything in memory: for tests of receivers, without a disk."""

import asyncio

from logyard.errors import LogyardError
from logyard.model.batch import Encoded, Receipt
from logyard.model.ids import LogIds
from logyard.ports import Submission
from logyard.types import LogId

__all__ = ["MemoryInlet"]


class MemoryInlet:
    """``ports.Inlet``. ``submissions`` is what it has accepted, in order."""

    def __init__(self, ids: LogIds) -> None:
        self._ids = ids
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self._receipts: dict[str, Receipt] = {}
        self.submissions: list[Submission] = []
        self.firsts: list[LogId] = []
        """The id of the first record of each submission."""
        self.refusal: LogyardError | None = None
        """Raised by every ``accept`` while it is set."""
        self.reached = asyncio.Event()
        """Set when an ``accept`` has come to the gate."""
        self.gate: asyncio.Event | None = None
        """Waited for by every ``accept`` while it is set."""

    async def accept(self, submission: Submission) -> Receipt:
        """Keep it; the same key again keeps nothing."""
        if self.gate is not None:
            self.reached.set()
            await self.gate.wait()
        if self.refusal is not None:
            raise self.refusal
        known = self._receipts.get(submission.key) if submission.key else None
        if known is not None:
            return Receipt(first=known.first, rows=known.rows, duplicate=True)
        body = submission.body
        rows = body.rows if isinstance(body, Encoded) else body.height
        placed = submission.placed
        receipt = Receipt(first=self._ids.reserve(max(1, rows)) if placed is None else placed.first, rows=rows)
        self.submissions.append(submission)
        self.firsts.append(receipt.first)
        if submission.key:
            self._receipts[submission.key] = receipt
        return receipt

    @property
    def lines(self) -> list[bytes]:
        """Every encoded line that was accepted."""
        bodies = [submission.body for submission in self.submissions]
        return [line for body in bodies if isinstance(body, Encoded) for line in body.lines.split(b"\n")]
