"""A follower driven by hand: looks and reads when the test says so, keeps what it hands in, dies and starts again."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
import pytest

from logyard.formats.json.frame import frame
from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING
from logyard.model.schema import FRAME
from logyard.receivers.tailing.assemble import Assembler, Whole
from logyard.receivers.tailing.checkpoints import Checkpoints
from logyard.receivers.tailing.follower import Follower
from logyard.receivers.tailing.line_settings import LineSettings, assembler_maker
from logyard.receivers.tailing.options import TailOptions
from logyard.receivers.tailing.table import Parts
from logyard.telemetry import Event
from logyard.testing.clock import ManualClock
from logyard.testing.faulty_files import FaultyFiles
from logyard.types import Nanoseconds

ARRIVAL = Nanoseconds(1_767_225_600_000_000_000)


class Tailing:
    """What a receiver does, without its thread and its log: ``marks`` is the log's part."""

    def __init__(self, home: Path, state: Path, **options: Any) -> None:
        self.home = home
        self.state = state
        self.options = TailOptions(**{"include": [f"{home}/*.log"], **options})
        self.clock = ManualClock()
        self.files = FaultyFiles()
        self.bodies: list[Encoded | pl.DataFrame] = []
        self.lines: list[str] = []
        self.sources: list[str] = []
        self.constants: list[dict[str, str]] = []
        self.events: list[Event] = []
        self.marks: list[str] = []
        self.assembler: Callable[[str], Assembler] = lambda _: Whole(
            msgspec.structs.replace(DEFAULT_READING, kind="raw")
        )
        self.start()

    def start(self) -> None:
        self.checkpoints = Checkpoints(self.state, self.marks)
        self.follower = Follower(
            self.options,
            Parts(
                checkpoints=self.checkpoints,
                clock=self.clock,
                emit=self.events.append,
                assembler=self.assembler,
                opener=self.files,
            ),
        )

    def stop(self) -> None:
        """In good order: all is saved, the log is empty."""
        self.checkpoints.save()
        self.follower.close()
        self.marks.clear()

    def crash(self) -> None:
        """SIGKILL: what the log has is all there is beside what was saved before."""
        self.follower.close()

    def restart(self) -> None:
        self.stop()
        self.start()

    def save(self) -> None:
        """The log lets go of what it has."""
        self.checkpoints.save()
        self.marks.clear()

    def round(self, *, final: bool = False) -> int:
        got = self.follower.gather(final=final)
        for delivery in got:
            if delivery.body is not None:
                self.marks.append(delivery.mark)
                self._keep(delivery.body)
            self.follower.done(delivery)
        return len(got)

    def _keep(self, body: Encoded | pl.DataFrame) -> None:
        self.bodies.append(body)
        if isinstance(body, pl.DataFrame):
            self.lines += body["message"].to_list()
            self.sources += body["source"].to_list()
            return
        here = body.lines.decode().split("\n")
        given = dict(body.reading.constants)
        self.lines += here
        self.sources += [given["source"]] * len(here)
        self.constants += [given] * len(here)

    def records(self) -> pl.DataFrame:
        """All that came, as it will be stored."""
        frames = [body if isinstance(body, pl.DataFrame) else frame(body, ARRIVAL) for body in self.bodies]
        return pl.concat(frames) if frames else pl.DataFrame(schema=FRAME)

    def understanding(self, **settings: Any) -> None:
        """From now on as a receiver with these settings does."""
        self.assembler = assembler_maker(LineSettings(**settings), lambda: ARRIVAL)
        self.follower.close()
        self.start()

    def run(self, *, final: bool = False, seconds: float = 1.0) -> list[str]:
        """Look and read until there is nothing more; what came now."""
        before = len(self.lines)
        self.clock.advance(seconds)
        self.follower.look()
        for _ in range(1000):
            if not self.round(final=final):
                self.follower.look()
                if not self.round(final=final):
                    return self.lines[before:]
        raise AssertionError("it never comes to an end")

    def of(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    path = tmp_path / "logs"
    path.mkdir()
    return path


@pytest.fixture
def tailing(home: Path, tmp_path: Path) -> Iterator[Callable[..., Tailing]]:
    made: list[Tailing] = []

    def make(**options: Any) -> Tailing:
        made.append(Tailing(home, tmp_path / "state", **options))
        return made[-1]

    yield make
    for each in made:
        each.follower.close()


def write(path: Path, *lines: str, end: str = "\n") -> None:
    with path.open("a", newline="") as file:
        file.write("".join(line + end for line in lines))
