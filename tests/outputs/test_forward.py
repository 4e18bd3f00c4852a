"""Driving an output: repeats what fails, halves what is too large, puts aside what will never be taken, in order."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from logyard.clock import SystemClock
from logyard.errors import BadInput, LogyardError, NotNow, TooLarge
from logyard.ingest.dead_letter import DeadLetters
from logyard.model.batch import Batch, Encoded
from logyard.model.reading import DEFAULT_READING
from logyard.outputs.forward import Forward, ForwardParts, Queue, Segment
from logyard.outputs.runs import Batching, halves
from logyard.ports import Place, Refused
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
    """An output that answers as it is told, batch by batch."""

    def __init__(self, answer: Callable[[Batch], LogyardError | None], refuses: str = "") -> None:
        self.answer = answer
        self.refuses = refuses
        self.got: list[str] = []
        self.ids: list[bytes] = []
        self.calls: list[int] = []

    async def open(self, place: Place) -> None: ...

    async def close(self) -> None: ...

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        self.calls.append(len(batches))
        self.ids += [each.id for each in batches]
        for each in batches:
            if (error := self.answer(each)) is not None:
                raise error
        return [refused for each in batches for refused in self._take(each)]

    def _take(self, each: Batch) -> Sequence[Refused]:
        lines = text(each).split("\n")
        refused = [line for line in lines if self.refuses and self.refuses in line]
        self.got += [kept] if (kept := "\n".join(line for line in lines if line not in refused)) else []
        return [Refused(each.id, lines.index(line), f"no {line}") for line in refused]


def text(each: Batch) -> str:
    assert isinstance(each.body, Encoded)
    return each.body.lines.decode()


ALONE = Batching(rows=1)


async def forward(
    target: Target, directory: Path, *segments: Segment, batching: Batching = ALONE, backlog: int = 0
) -> list[int]:
    """Until all segments are passed; their numbers in the order in which they were. ``backlog``: how many may wait."""
    passed: list[int] = []
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def advance(segment: Segment) -> None:
        passed.append(segment.number)
        if len(passed) == len(segments):
            loop.call_soon_threadsafe(done.set)

    def wait(_: float, after: int) -> Sequence[Segment]:
        return [segment for segment in segments if segment.number > after]

    queue = Queue(wait=wait, advance=advance, delivered=lambda _: None, waiting=lambda: len(segments) - len(passed))
    place = Place(directory=directory, clock=SystemClock(), telemetry=Telemetry())
    parts = ForwardParts(
        place=place, dead=DeadLetters(directory, "test"), parallel=3, batching=batching, max_backlog_bytes=backlog
    )
    task = asyncio.create_task(Forward("test", target, queue, parts=parts).run())
    await asyncio.wait_for(done.wait(), 60)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return passed


def buried(directory: Path) -> dict[str, str]:
    """Lines of the dead letters, and why they are there."""
    letters = DeadLetters(directory, "test")
    return {"\n".join(map(text, letter.batches())): letter.reason for letter in letters}


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
    await forward(target, tmp_path, Sealed(1, batch(1, "bad"), batch(2, "good")))
    assert target.got == ["good"]
    assert buried(tmp_path) == {"bad": str(error)}


async def test_small_batches_go_together_and_large_ones_in_pieces(tmp_path: Path) -> None:
    target = Target(lambda _: None)
    small, large = [batch(number, "x" * 10) for number in range(10)], batch(11, "y" * 50, "z" * 50)
    await forward(target, tmp_path, Sealed(1, *small, large), batching=Batching(rows=4, bytes=60))
    assert target.calls == [4, 4, 2, 1, 1]
    assert target.got[-2:] == ["y" * 50, "z" * 50]


async def test_a_bad_batch_among_others_is_buried_alone(tmp_path: Path) -> None:
    target = Target(lambda each: BadInput("poison") if text(each) == "3" else None)
    await forward(target, tmp_path, Sealed(1, *(batch(n, str(n)) for n in range(8))), batching=Batching())
    assert sorted(set(target.got)) == ["0", "1", "2", "4", "5", "6", "7"]
    assert buried(tmp_path) == {"3": "poison"}


async def test_records_that_are_refused_are_buried_and_the_others_are_not(tmp_path: Path) -> None:
    target = Target(lambda _: None, refuses="bad")
    await forward(target, tmp_path, Sealed(1, batch(1, "a", "bad 1", "b", "bad 2"), batch(2, "bad 3")))
    assert target.got == ["a\nb"]
    assert buried(tmp_path) == {"bad 1\nbad 2": "no bad 1\nno bad 2", "bad 3": "no bad 3"}


async def test_a_letter_that_is_asked_for_goes_out_under_its_own_id(tmp_path: Path) -> None:
    refusing = Target(lambda _: BadInput("closed on Sundays"))
    await forward(refusing, tmp_path, Sealed(1, batch(1, "one"), batch(2, "two", "three")))
    for letter in DeadLetters(tmp_path, "test"):
        letter.ask()
    half = Target(lambda each: BadInput("still closed") if text(each) == "one" else None, refuses="three")
    await forward(half, tmp_path, Sealed(1, batch(3, "next")))
    assert half.got == ["two", "next"]
    assert half.ids == [bytes(15) + b"\x01", bytes(15) + b"\x02", bytes(15) + b"\x03"]
    assert buried(tmp_path) == {"one": "still closed", "three": "no three"}


async def test_with_a_limit_the_oldest_is_given_up_and_what_fits_waits(tmp_path: Path) -> None:
    """Three segments wait, two are too many: the first goes after one try, the others when it is back."""
    tries: list[str] = []

    def answer(each: Batch) -> LogyardError | None:
        tries.append(text(each))
        return NotNow("away", retry_after=0) if len(tries) < 4 else None

    target = Target(answer)
    segments = [Sealed(number, batch(number, f"{number} a"), batch(number + 10, f"{number} b")) for number in range(3)]
    await forward(target, tmp_path, *segments, backlog=2)
    assert target.got == ["1 a", "1 b", "2 a", "2 b"]
    assert tries[:4] == ["0 a", "1 a", "1 a", "1 a"]


async def test_an_output_that_fails_in_its_own_way_keeps_its_place(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    errors = [ZeroDivisionError("mine"), None]
    target = Target(lambda _: errors.pop(0))  # type: ignore[arg-type,return-value] # what no output should raise
    await forward(target, tmp_path, Sealed(1, batch(1, "one")))
    assert target.got == ["one"]
    assert "mine" in caplog.text


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
