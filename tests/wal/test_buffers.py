"""The conformance suite of the buffer port on the local disk, on JetStream and on Kafka."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from logyard.clock import SystemClock
from logyard.ports import Buffer
from logyard.testing.buffer_suite import CALM, BufferSuite
from logyard.testing.kafka import KafkaMock
from logyard.testing.nats import NatsCluster
from logyard.wal.disk import RealDisk
from logyard.wal.log import Wal, WalSettings
from logyard.wal.remote.jetstream import JetStream
from logyard.wal.remote.journal import Journal
from logyard.wal.remote.kafka import Kafka
from logyard.wal.remote.opening import open_remote

PATIENT = "&timeout=60&start=60"
"""A quorum that takes its time has not failed."""

Opening = Callable[[WalSettings, Path], Buffer]


class Room:
    """``buffer_suite.Place``: one at a time, each in a directory of its own if it can be."""

    def __init__(self, directory: Path, opening: Opening) -> None:
        self._directory = directory
        self._opening = opening
        self._open: Buffer | None = None

    def open(self, settings: WalSettings = CALM) -> Buffer:
        self.close()
        self._open = self._opening(settings, self._directory)
        return self._open

    def close(self) -> None:
        if self._open is not None:
            self._open.release()


class TestLocal(BufferSuite):
    @pytest.fixture
    def place(self, tmp_path: Path) -> Iterator[Room]:
        def opening(settings: WalSettings, directory: Path) -> Buffer:
            return Wal.open(directory / "wal", settings=settings, disk=RealDisk(), clock=SystemClock())

        room = Room(tmp_path, opening)
        yield room
        room.close()


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsCluster]:
    with NatsCluster(tmp_path_factory.mktemp("nats"), nodes=1) as cluster:
        yield cluster


def remote(tmp_path: Path, journal: Callable[[str], Journal]) -> Iterator[Room]:
    """With a new spool for each process: nothing on this machine's disk is needed."""
    spools = iter(range(100))
    name = re.sub(r"\W", "_", tmp_path.name)

    def opening(settings: WalSettings, directory: Path) -> Buffer:
        spool = directory / f"spool-{next(spools)}"
        return open_remote(journal(name), spool, settings=settings, disk=RealDisk(), clock=SystemClock())

    room = Room(tmp_path, opening)
    yield room
    room.close()


class TestJetStream(BufferSuite):
    @pytest.fixture
    def place(self, tmp_path: Path, nats: NatsCluster) -> Iterator[Room]:
        yield from remote(tmp_path, lambda name: JetStream(nats.url(name, more=PATIENT), "node"))


@pytest.fixture(scope="module")
def kafka() -> Iterator[KafkaMock]:
    with KafkaMock() as cluster:
        yield cluster


class TestKafka(BufferSuite):
    @pytest.fixture
    def place(self, tmp_path: Path, kafka: KafkaMock) -> Iterator[Room]:
        yield from remote(tmp_path, lambda name: Kafka(kafka.url(name, more=PATIENT), "node"))
