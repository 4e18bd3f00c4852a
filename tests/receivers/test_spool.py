"""Files taken away: claimed by renaming, read to their end, removed when all is in the log; never a line twice."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from logyard.clock import SystemClock
from logyard.errors import BadConfig, NotNow
from logyard.model.batch import Encoded, Receipt
from logyard.ports import Place, Submission
from logyard.receivers.spool import Spool, SpoolConfig
from logyard.telemetry import Telemetry
from logyard.types import LogId


class Log:
    """An inlet that keeps what it gets; it dies when it has taken so many batches."""

    def __init__(self, dies_after: int = 1 << 30) -> None:
        self.lines: list[bytes] = []
        self.marks: list[str] = []
        self.dies_after = dies_after
        self.refusals = 0

    async def accept(self, submission: Submission) -> Receipt:
        assert isinstance(submission.body, Encoded)
        if self.refusals:
            self.refusals -= 1
            raise NotNow("full", retry_after=0.0)
        if len(self.marks) >= self.dies_after:
            raise asyncio.CancelledError
        self.lines += submission.body.lines.split(b"\n")
        self.marks.append(submission.mark)
        return Receipt(first=LogId(1), rows=submission.body.rows)


def take(directory: Path, log: Log, *, marks: Sequence[str] = (), **settings: object) -> None:
    """All that is there, in a life of its own."""
    spool = Spool(SpoolConfig(directory=str(directory), **settings))  # type: ignore[arg-type] # as the test says
    memory = directory.parent / "memory"
    memory.mkdir(exist_ok=True)
    spool.resume(Place(directory=memory, marks=marks, clock=SystemClock(), telemetry=Telemetry()))
    spool.finish()
    try:
        asyncio.run(spool.run(log))
    except asyncio.CancelledError:
        return
    spool.settle(log.marks)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    path = tmp_path / "spool"
    path.mkdir()
    return path


def test_files_are_taken_and_removed(spool: Path) -> None:
    (spool / "collected_a").write_bytes(b"one\ntwo\n")
    (spool / "collected_b").write_bytes(b"three")
    log = Log()
    take(spool, log, pattern="collected_*")
    assert log.lines == [b"one", b"two", b"three"]
    assert not list(spool.iterdir())


def test_what_is_not_meant_stays(spool: Path) -> None:
    for name in ("other", ".collected_a.1.writing", ".taken.1.other"):
        (spool / name).write_bytes(b"x\n")
    (spool / "collected_directory").mkdir()
    log = Log()
    take(spool, log, pattern="collected_*")
    assert log.lines == []
    assert len(list(spool.iterdir())) == 4


def test_a_directory_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    log = Log()
    take(tmp_path / "later", log)
    assert log.lines == []


@pytest.mark.parametrize("dies_after", range(4))
def test_a_kill_between_blocks_repeats_nothing(spool: Path, dies_after: int) -> None:
    lines = [b"%07d %s" % (number, b"x" * 1000) for number in range(3000)]  # three blocks
    (spool / "big").write_bytes(b"\n".join(lines) + b"\n")
    log = Log(dies_after=dies_after)
    take(spool, log)
    log.dies_after = 1 << 30
    take(spool, log, marks=log.marks)
    assert log.lines == lines
    assert not list(spool.iterdir())


def test_a_kill_before_the_removal_repeats_nothing(spool: Path) -> None:
    """The log has let go of the marks; the receiver's own memory has them."""
    (spool / "a").write_bytes(b"one\n")
    log = Log()
    take(spool, log)
    (name,) = [mark.partition(" ")[2] for mark in log.marks]
    (spool / name).write_bytes(b"one\n")
    reader = Spool(SpoolConfig(directory=str(spool)))
    reader.resume(Place(directory=spool.parent / "memory", marks=[], clock=SystemClock(), telemetry=Telemetry()))
    reader.settle(log.marks)
    take(spool, log)
    assert log.lines == [b"one"]
    assert not list(spool.iterdir())


def test_a_log_that_takes_nothing_now_is_asked_again(spool: Path) -> None:
    (spool / "a").write_bytes(b"one\n")
    log = Log()
    log.refusals = 2
    take(spool, log)
    assert log.lines == [b"one"]


def test_a_kill_amid_a_long_line_that_is_cut_leaves_no_rest(spool: Path) -> None:
    (spool / "a").write_bytes(b"x" * 5_000_000 + b"\nnext\n")
    log = Log(dies_after=1)
    take(spool, log, max_line_bytes=1000)
    log.dies_after = 1 << 30
    take(spool, log, marks=log.marks, max_line_bytes=1000)
    assert log.lines == [b"x" * 1000, b"next"]


def test_names_may_be_of_any_bytes(spool: Path) -> None:
    name = os.fsdecode(b"a\nb\xff c")
    (spool / name).write_bytes(b"one\n")
    log = Log(dies_after=0)
    take(spool, log)
    log.dies_after = 1 << 30
    take(spool, log, marks=["nonsense", *log.marks])
    take(spool, log, marks=log.marks)
    assert log.lines == [b"one"]


def test_a_pattern_with_a_slash_is_refused() -> None:
    with pytest.raises(BadConfig, match="a slash is never in one"):
        Spool(SpoolConfig(directory="x", pattern="a/b"))
