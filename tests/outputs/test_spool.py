"""Files for another process: whole batches, each once, whatever was under way when the writer died."""

import asyncio
import json
import threading
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from logyard.clock import SystemClock
from logyard.errors import BadConfig, Corrupt, NotNow
from logyard.formats.json.frame import frame
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import DEFAULT_READING
from logyard.outputs.spool import Spool, SpoolConfig
from logyard.ports import Place
from logyard.telemetry import Telemetry
from logyard.types import BatchId, LogId, Nanoseconds

NAME = "collected_app.log"


def batch(number: int, *lines: str, source: str = "/logs/app.log") -> Batch:
    reading = DEFAULT_READING.given({"source": source})
    body = Encoded(lines="\n".join(lines).encode(), rows=len(lines), reading=reading)
    return Batch(id=BatchId(number.to_bytes(16)), first=LogId(1), received=Nanoseconds(10**18), body=body)


def text(number: int) -> str:
    return f'{{"message":"line {number}"}}'


def write(directory: Path, *batches: Batch, **settings: str) -> None:
    """By a writer that has just been started."""
    spool = Spool(SpoolConfig(directory=str(directory), **settings))

    async def run() -> None:
        await spool.open(Place(directory=directory, clock=SystemClock(), telemetry=Telemetry()))
        for each in batches:
            assert not await spool.write([each])
        await spool.close()

    asyncio.run(run())


def messages(path: Path) -> list[str]:
    return [json.loads(line)["message"] for line in path.read_text().splitlines()]


def test_a_file_grows_by_whole_batches(tmp_path: Path) -> None:
    write(tmp_path, batch(1, text(1), text(2)))
    write(tmp_path, batch(2, text(3)))
    assert messages(tmp_path / NAME) == ["line 1", "line 2", "line 3"]


def test_a_batch_that_comes_again_is_there_already(tmp_path: Path) -> None:
    write(tmp_path, batch(1, text(1)), batch(2, text(2)))
    write(tmp_path, batch(1, text(1)), batch(2, text(2)), batch(3, text(3)))
    assert messages(tmp_path / NAME) == ["line 1", "line 2", "line 3"]


def test_what_was_taken_away_does_not_come_back(tmp_path: Path) -> None:
    write(tmp_path, batch(1, text(1)))
    (tmp_path / NAME).unlink()
    write(tmp_path, batch(1, text(1)), batch(2, text(2)))
    assert messages(tmp_path / NAME) == ["line 2"]


def test_each_source_has_its_file(tmp_path: Path) -> None:
    named = DEFAULT_READING.given({"source": "/logs/a.log"})
    bodies = [Encoded(lines=text(1).encode(), rows=1, reading=reading) for reading in (named, DEFAULT_READING)]
    rows = pl.concat([frame(body, Nanoseconds(10**18)) for body in bodies])
    write(tmp_path, Batch(id=BatchId(bytes(16)), first=LogId(1), received=Nanoseconds(10**18), body=rows))
    assert sorted(path.name for path in tmp_path.glob("[!.]*")) == ["collected_a.log", "collected_unknown"]


def test_records_get_their_source_and_arrival(tmp_path: Path) -> None:
    lines = batch(1, text(1), '{"message":"x","collected_at":"mine","time":"2026-01-01T00:00:00Z"}')
    write(tmp_path, lines, source_key="source_file", arrival_key="collected_at")
    found = [json.loads(line) for line in (tmp_path / NAME).read_text().splitlines()]
    assert [record["collected_at"] for record in found] == ["2001-09-09T01:46:40Z", "mine"]
    assert [record["source_file"] for record in found] == ["/logs/app.log"] * 2
    assert ["timestamp" in record for record in found] == [False, False]
    assert found[1]["time"] == "2026-01-01T00:00:00Z"


def claimed(directory: Path) -> None:
    (directory / NAME).rename(directory / f".{NAME}.2.writing")


def noted(directory: Path) -> None:
    base = (directory / NAME).stat().st_size
    claimed(directory)
    with (directory / f".{NAME}.journal").open("a") as journal:
        journal.write(json.dumps({"id": (2).to_bytes(16).hex(), "number": 2, "base": base}) + "\n")


def half_noted(directory: Path) -> None:
    claimed(directory)
    with (directory / f".{NAME}.journal").open("a") as journal:
        journal.write('{"id":"0000')


def half_added(directory: Path) -> None:
    noted(directory)
    with (directory / f".{NAME}.2.writing").open("a") as file:
        file.write('{"message":"li')


def added(directory: Path) -> None:
    noted(directory)
    with (directory / f".{NAME}.2.writing").open("a") as file:
        file.write(text(2) + "\n")


def given_back(directory: Path) -> None:
    added(directory)
    (directory / f".{NAME}.2.writing").rename(directory / NAME)


STATES = [claimed, half_noted, noted, half_added, added, given_back]


@pytest.mark.parametrize("crash", STATES)
def test_a_crash_at_any_point_costs_nothing(tmp_path: Path, crash: Callable[[Path], None]) -> None:
    write(tmp_path, batch(1, text(1)))
    crash(tmp_path)
    write(tmp_path, batch(2, text(2)), batch(3, text(3)))
    write(tmp_path, batch(2, text(2)), batch(3, text(3)))
    assert messages(tmp_path / NAME) == ["line 1", "line 2", "line 3"]


def test_a_crash_before_the_first_line_leaves_no_empty_file(tmp_path: Path) -> None:
    write(tmp_path, batch(1, text(1)))
    (tmp_path / NAME).unlink()
    (tmp_path / f".{NAME}.2.writing").touch()
    write(tmp_path, batch(1, text(1)))
    assert not (tmp_path / NAME).exists()
    assert not list(tmp_path.glob("*.writing"))


def test_a_taker_and_a_writer_never_hold_the_same_file(tmp_path: Path) -> None:
    taken: list[str] = []
    done = threading.Event()

    def take() -> None:
        last = False
        while not last:
            last = done.is_set()
            try:
                (tmp_path / NAME).rename(tmp_path / ".mine")
            except FileNotFoundError:
                continue
            taken.extend(messages(tmp_path / ".mine"))
            (tmp_path / ".mine").unlink()

    taker = threading.Thread(target=take)
    taker.start()
    try:
        write(tmp_path, *(batch(number, text(number)) for number in range(100)))
    finally:
        done.set()
        taker.join()
    assert taken == [f"line {number}" for number in range(100)]


def test_a_disk_that_refuses_is_tried_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotNow, match="cannot write to"):
        write(tmp_path / "file" / "below", batch(1, text(1)))


def test_a_damaged_journal_is_named(tmp_path: Path) -> None:
    (tmp_path / f".{NAME}.journal").write_text("garbage\n")
    with pytest.raises(Corrupt, match=r"\.collected_app\.log\.journal is no journal"):
        write(tmp_path, batch(1, text(1)))


@pytest.mark.parametrize("prefix", [".hidden", "a/b"])
def test_a_prefix_that_leads_astray_is_refused(tmp_path: Path, prefix: str) -> None:
    with pytest.raises(BadConfig, match="cannot begin a file's name"):
        write(tmp_path, prefix=prefix)
