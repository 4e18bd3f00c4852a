"""A log, a store without an engine, and what lies between them."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from logyard.clock import SystemClock
from logyard.formats.json.lines import validate
from logyard.ingest.dead_letter import DeadLetters
from logyard.ingest.drain import Drain
from logyard.ingest.inlet import InletParts, WalInlet
from logyard.ingest.ledger import Ledger
from logyard.model.batch import Batch, Encoded
from logyard.model.ids import SnowflakeIds
from logyard.pipeline.chain import Chain
from logyard.ports import Submission
from logyard.store.whole import WholeSink
from logyard.telemetry import Telemetry
from logyard.testing.memory_store import MemoryStore
from logyard.wal.disk import RealDisk
from logyard.wal.log import Wal, WalSettings


class Bench:
    """Everything between a submission and the store; ``restart`` is what a new process would do."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.store = MemoryStore()
        self.published: list[Batch] = []
        self.settings = WalSettings(segment_seconds=0.05)
        self.chain = Chain()
        self.open()

    def open(self) -> None:
        """Start, with what lies in the directory."""
        clock, self.telemetry = SystemClock(), Telemetry()
        self.wal = Wal.open(self.directory / "wal", settings=self.settings, disk=RealDisk(), clock=clock)
        self.dead = DeadLetters(self.directory / "dead")
        self.drain = Drain(self.wal, WholeSink(self.store), self.dead, clock=clock, telemetry=self.telemetry)
        ledger = Ledger(
            self.store.known, self.drain.passed, backlog=self.wal.keyed_backlog(), position=self.wal.position()
        )
        parts = InletParts(
            ids=SnowflakeIds(1, clock),
            chain=self.chain,
            ledger=ledger,
            tap=self,
            clock=clock,
            telemetry=self.telemetry,
        )
        self.inlet = WalInlet(self.wal, parts)

    def publish(self, batch: Batch) -> None:
        """``ports.Tap``."""
        self.published.append(batch)

    def close(self) -> None:
        """Stop, leaving in the log what is not stored."""
        self.inlet.close()
        self.store.release()
        self.wal.close()
        self.drain.stop(60)


def submission(*messages: str, key: str = "") -> Submission:
    """Records with these messages."""
    body = validate(b"\n".join(msgspec.json.encode({"message": text}) for text in messages)).encoded
    assert isinstance(body, Encoded)
    return Submission(body=body, key=key)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()
