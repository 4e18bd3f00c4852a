"""Driving an output: repeats what fails, halves what is too large, puts aside what will never be taken, in order."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from logyard.clock import SystemClock
from logyard.errors import BadInput, LogyardError, NotNow, TooLarge
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import DEFAULT_READING
from logyard.outputs.forward import Forward, ForwardParts, Queue, Segment, halves
from logyard.telemetry import Telemetry
from logyard.types import BatchId, LogId, Nanoseconds


def batch(number: int, *lines: str, source: str = "a") -> Batch:
    reading = DEFAULT_READING.given({"source": source})
    body = Encoded(lines="\n".join(lines).encode(), rows=len(lines), reading=reading)
    return Batch(id=BatchId(number.to_bytes(16)), first=LogId(1), received=Nanoseconds(1), body=body)


class Sealed:
    def __init__(self, number: int, *batches: Batch) -> None:
        self.number = number
        self._batches = batches

    def batches(self) -> Sequence[Batch]:
        return self._batches


class Target:
    """An output that answers as it is told."""

    def __init__(self, answer: Callable[[Batch], LogyardError | None]) -> None:
        self.answer = answer
        self.got: list[str] = []
        self.ids: list[bytes] = []

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def write(self, batch: Batch) -> None:
        self.ids.append(batch.id)
        if (error := self.answer(batch)) is not None:
            raise error
        assert isinstance(batch.body, Encoded)
        self.got.append(batch.body.lines.decode())


async def forward(target: Target, dead: Path, *segments: Segment) -> list[int]:
    """Until all segments are passed; their numbers in the order in which they were."""
    passed: list[int] = []
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def advance(segment: Segment) -> None:
        passed.append(segment.number)
        if len(passed) == len(segments):
            loop.call_soon_threadsafe(done.set)

    def wait(_: float, after: int) -> Sequence[Segment]:
        return [segment for segment in segments if segment.number > after]

    queue = Queue(wait=wait, advance=advance, delivered=lambda _: None)
    parts = ForwardParts(dead=dead, clock=SystemClock(), telemetry=Telemetry(), parallel=3)
    task = asyncio.create_task(Forward("test", target, queue, parts=parts).run())
    await asyncio.wait_for(done.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return passed


async def test_segments_are_passed_in_order_and_sources_keep_theirs(tmp_path: Path) -> None:
    target = Target(lambda _: None)
    batches = [batch(number, f"{source}{number}", source=source) for number in range(9) for source in "ab"]
    assert await forward(target, tmp_path, Sealed(1, *batches), Sealed(2, batch(99, "last"))) == [1, 2]
    for source in "ab":
        assert [each for each in target.got if each[0] == source] == [f"{source}{number}" for number in range(9)]


async def test_not_now_is_tried_again_under_the_same_id(tmp_path: Path) -> None:
    answers = [NotNow("later", retry_after=0.01), NotNow("later", retry_after=0.01), None]
    target = Target(lambda _: answers.pop(0))
    await forward(target, tmp_path, Sealed(1, batch(7, "one")))
    assert target.got == ["one"]
    assert target.ids == [(7).to_bytes(16)] * 3


async def test_too_large_goes_in_halves(tmp_path: Path) -> None:
    target = Target(lambda each: TooLarge("over") if each.rows > 2 else None)
    await forward(target, tmp_path, Sealed(1, batch(7, *"abcde")))
    assert "\n".join(target.got).split("\n") == list("abcde")
    assert len(set(target.ids)) == len(target.ids)


@pytest.mark.parametrize("error", [BadInput("never"), TooLarge("a single line")], ids=["refused", "too large for one"])
async def test_what_is_never_taken_goes_to_the_dead_letters(tmp_path: Path, error: LogyardError) -> None:
    target = Target(lambda each: error if each.id == (1).to_bytes(16) else None)
    await forward(target, tmp_path / "dead", Sealed(1, batch(1, "bad"), batch(2, "good")))
    assert target.got == ["good"]
    stem = (1).to_bytes(16).hex()
    assert (tmp_path / "dead" / f"{stem}.lines").read_text() == "bad\n"
    assert str(error) in (tmp_path / "dead" / f"{stem}.reason").read_text()


@pytest.mark.parametrize("lines", [["a", "b"], ["a", "b" * 100], ["a" * 100, "b", "c"]])
def test_halves_are_the_whole_and_always_the_same(lines: list[str]) -> None:
    whole = batch(3, *lines)
    first, second = halves(whole)
    assert isinstance(first.body, Encoded)
    assert isinstance(second.body, Encoded)
    assert first.body.lines + b"\n" + second.body.lines == "\n".join(lines).encode()
    assert first.rows + second.rows == whole.rows
    assert [each.id for each in halves(whole)] == [first.id, second.id]
    assert first.id != second.id
