"""The log against a model: generated appends, seals, reads, faults and crashes; what was acknowledged comes
back.

The model knows what was acknowledged, what was refused, and of what nothing was heard (a crash came first).
Each cursor must be given every acknowledged batch exactly once, in order within its form, byte for byte,
but for frames in which a bit was flipped; those must be counted.
"""

import asyncio
import errno
import random
import shutil
import tempfile
from collections.abc import Coroutine
from pathlib import Path

import polars as pl
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from logyard.errors import NotNow
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import Reading
from logyard.testing.clock import ManualClock
from logyard.testing.faulty_disk import FaultyDisk
from logyard.types import BatchId, LogId, Nanoseconds, Tenant
from logyard.wal.log import Wal, WalSettings
from logyard.wal.record import Form, form_of
from logyard.wal.salvage import survey
from logyard.wal.segment import Segment

SMALL = WalSettings(segment_bytes=1_000, segment_rows=20, segment_seconds=1e9, min_free_bytes=0)
CURSORS = ("store", "output")
READINGS = (Reading(), Reading(message=("text",)))

bodies = st.lists(st.text(max_size=40), min_size=1, max_size=4)
batches = st.lists(st.tuples(bodies, st.booleans(), st.sampled_from(["", "acme"])), min_size=1, max_size=5)


def make(number: int, words: list[str], *, framed: bool, tenant: str) -> Batch:
    """A batch that is told from every other by its number."""
    frame = pl.DataFrame({"message": words})
    lines = frame.write_ndjson().strip().encode()
    encoded = Encoded(lines=lines, rows=len(words), reading=READINGS[number % 2])
    return Batch(
        id=BatchId(number.to_bytes(16, "big")),
        first=LogId(number * 1000),
        received=Nanoseconds(1_767_225_600_000_000_000 + number),
        body=frame if framed else encoded,
        tenant=Tenant(tenant),
        keyed=number % 3 == 0,
    )


def same(one: Batch, other: Batch) -> bool:
    if isinstance(one.body, pl.DataFrame) and isinstance(other.body, pl.DataFrame):
        bodies_agree = one.body.equals(other.body)
    else:
        bodies_agree = not isinstance(one.body, pl.DataFrame) and one.body == other.body
    heads = [(batch.id, batch.first, batch.received, batch.tenant, batch.keyed) for batch in (one, other)]
    return bodies_agree and heads[0] == heads[1]


class WalMachine(RuleBasedStateMachine):
    """Actions on a log over a faulty disk."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="wal-model-"))
        self.loop = asyncio.new_event_loop()
        self.disk = FaultyDisk(self.root)
        self.number = 0
        self.sent: dict[BatchId, Batch] = {}
        self.refused: set[BatchId] = set()
        self.unheard: set[BatchId] = set()
        self.stuck: set[BatchId] = set()
        self.damaged: set[BatchId] = set()
        self.owed: dict[tuple[str, Form], list[BatchId]] = {
            (cursor, form): [] for cursor in CURSORS for form in ("lines", "frames")
        }
        self.had: dict[str, set[BatchId]] = {cursor: set() for cursor in CURSORS}
        self.last = 0

    def start(self) -> None:
        self.wal = Wal.open(self.root / "wal", settings=SMALL, disk=self.disk, clock=ManualClock())
        self.last = self.wal.position()

    def run(self, work: Coroutine[None, None, None]) -> None:
        self.loop.run_until_complete(asyncio.wait_for(work, 120))

    def owe(self, batch: Batch) -> None:
        for cursor in CURSORS:
            self.owed[cursor, form_of(batch)].append(batch.id)

    @initialize()
    def begin(self) -> None:
        self.start()
        for cursor in CURSORS:
            self.wal.register(cursor)

    @rule(content=batches)
    def append(self, content: list[tuple[list[str], bool, str]]) -> None:
        self.run(self.append_all(self.made(content)))

    def made(self, content: list[tuple[list[str], bool, str]]) -> list[Batch]:
        found = []
        for words, framed, tenant in content:
            self.number += 1
            batch = make(self.number, words, framed=framed, tenant=tenant)
            self.sent[batch.id] = batch
            found.append(batch)
        return found

    async def append_all(self, batches: list[Batch]) -> None:
        answers = await asyncio.gather(*map(self.wal.append, batches), return_exceptions=True)
        told = []
        for batch, answer in zip(batches, answers, strict=True):
            if isinstance(answer, int):
                told.append((answer, batch))
            else:
                assert isinstance(answer, NotNow), answer
                self.refused.add(batch.id)
        for position, batch in sorted(told, key=lambda pair: pair[0]):
            assert position == self.last + 1, "positions rise without gaps"
            self.last = position
            self.owe(batch)

    @rule()
    def seal(self) -> None:
        self.wal.seal()
        backlog = self.wal._backlog
        with backlog._changed:
            backlog._changed.wait_for(lambda: not any(segment.bytes for segment in backlog._open.values()), 120)

    @rule(cursor=st.sampled_from(CURSORS), count=st.integers(1, 3))
    def read(self, cursor: str, count: int) -> None:
        for segment in self.wal.sealed(cursor)[:count]:
            self.take(cursor, segment)
            self.wal.advance(cursor, segment)

    def take(self, cursor: str, segment: Segment) -> None:
        """Hold a segment against what the cursor is owed."""
        owed = self.owed[cursor, segment.form]
        for batch in segment.batches():
            assert same(batch, self.sent[batch.id])
            assert batch.id not in self.refused
            assert batch.id not in self.had[cursor], "read twice"
            self.had[cursor].add(batch.id)
            while owed and owed[0] != batch.id and owed[0] in self.damaged:
                owed.pop(0)
            if owed and owed[0] == batch.id:
                owed.pop(0)
            else:
                assert batch.id in self.unheard, "out of order"

    @rule(error=st.sampled_from([errno.ENOSPC, errno.EIO]), after=st.integers(0, 600), stuck=st.booleans())
    def write_fails(self, error: int, after: int, *, stuck: bool) -> None:
        if stuck:
            self.disk.fail("truncate")
        self.disk.fail("write", error=error, after=after)
        self.append_amid_faults([(["lost"], False, ""), (["lost"], True, "")], stuck=stuck)

    @rule(stuck=st.booleans())
    def sync_fails(self, *, stuck: bool) -> None:
        if stuck:
            self.disk.fail("truncate")
        self.disk.fail("sync")
        self.append_amid_faults([(["lost"], False, "")], stuck=stuck)

    def append_amid_faults(self, content: list[tuple[list[str], bool, str]], *, stuck: bool) -> None:
        before = set(self.refused)
        self.append(content)
        self.disk.heal()
        if stuck:  # the disk would not even cut the file: a restart may find what was refused
            self.stuck |= self.refused - before

    @rule(content=batches, operation=st.sampled_from(["open", "rename", "unlink", "sync_directory"]))
    def name_fails(self, content: list[tuple[list[str], bool, str]], operation: str) -> None:
        self.disk.fail(operation)  # type: ignore[arg-type]  # drawn from the operations
        self.append(content)
        self.seal()
        self.append([(["after"], False, "")])
        self.disk.heal()

    @rule(content=batches, room=st.integers(0, 500))
    def disk_fills(self, content: list[tuple[list[str], bool, str]], room: int) -> None:
        used = 1 << 40
        self.disk.capacity = used
        self.disk.capacity = used - self.disk.free_bytes(self.root) + room
        self.append(content)
        self.disk.heal()
        before = len(self.refused)
        self.append([(["room again"], False, "")])
        assert len(self.refused) == before

    @rule(pick=st.integers(0, 1 << 30), at=st.integers(0, 1 << 30), bit=st.integers(0, 7))
    def bit_flips(self, pick: int, at: int, bit: int) -> None:
        """In a file that is committed, open or sealed."""
        segments = self.wal.sealed("store") + self.wal.sealed("output")
        segments += list(self.wal._backlog._open.values())
        segments = [segment for segment in segments if segment.bytes]
        if not segments or len(self.damaged) > 2:
            return
        segment = segments[pick % len(segments)]
        data = self.disk.read(segment.path)
        frames = survey(data, min(segment.bytes, len(data))).good
        if frames:
            frame = frames[pick % len(frames)]
            self.disk.flip(segment.path, frame.start + at % (frame.end - frame.start), bit)
            self.damaged.add(BatchId(frame.batch))

    @rule(content=batches, seed=st.integers(0, 1 << 30), head_start=st.booleans())
    def crash(self, content: list[tuple[list[str], bool, str]], seed: int, *, head_start: bool) -> None:
        """The power goes while appends are under way."""
        self.run(self.crash_amid(self.made(content), random.Random(seed), head_start=head_start))
        self.wal.close()
        self.unheard |= self.refused
        self.refused = set()
        self.disk = self.successor
        self.start()

    async def crash_amid(self, batches: list[Batch], chance: random.Random, *, head_start: bool) -> None:
        tasks = [asyncio.ensure_future(self.wal.append(batch)) for batch in batches]
        if head_start:
            await asyncio.sleep(0)
        self.successor = self.disk.crash(chance)
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        told = [(answer, batch) for answer, batch in zip(answers, batches, strict=True)]
        for answer, batch in sorted(told, key=lambda pair: pair[0] if isinstance(pair[0], int) else 0):
            if isinstance(answer, int):
                self.owe(batch)
            else:
                self.unheard.add(batch.id)

    @rule()
    def reopen(self) -> None:
        self.wal.close()
        self.unheard |= self.stuck
        self.refused -= self.stuck
        self.start()

    def read_all(self) -> None:
        for cursor in CURSORS:
            self.read(cursor, 1 << 30)
            left = {number for form in ("lines", "frames") for number in self.owed[cursor, form]}
            assert left <= self.damaged, "acknowledged and lost"
            assert self.wal.passed(cursor) == self.wal.position()

    @invariant()
    def keyed_batches_are_known(self) -> None:
        known = self.wal.keyed_backlog()
        owed = {number for numbers in self.owed.values() for number in numbers} - self.damaged
        missing = {number for number in owed if self.sent[number].keyed} - set(known)
        assert not missing
        assert all(receipt.first == self.sent[number].first for number, receipt in known.items())

    def teardown(self) -> None:
        try:
            self.wal.close()
            self.read_all()
            self.reopen()  # which tidies what the disk refused to remove
            self.wal.close()
            self.read_all()
            left = [name for name in self.disk.list(self.root / "wal") if name.endswith((".open", ".sealed"))]
            assert left == []
        finally:
            self.loop.close()
            shutil.rmtree(self.root)


WalMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestWal = WalMachine.TestCase
