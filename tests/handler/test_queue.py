import asyncio
import threading

import pytest

from logyard.handler.batch import Batch
from logyard.handler.queue import Waiting
from logyard.handler.settings import Dropping, Settings


def waiting(dropping: Dropping = "drop_oldest", *, records: int = 3, size: int = 1000, block: float = 0.01) -> Waiting:
    return Waiting(Settings(dropping=dropping, max_records=records, max_bytes=size, block_seconds=block))


@pytest.mark.parametrize(
    ("dropping", "kept"),
    [("drop_oldest", ["2", "3", "4"]), ("drop_newest", ["0", "1", "2"]), ("block", ["0", "1", "2"])],
)
def test_records_are_bounded(dropping: Dropping, kept: list[str]) -> None:
    found = waiting(dropping)
    for number in range(5):
        found.put(str(number), 1)
    assert list(found.take()) == kept
    assert found.dropped["full"] == 2


@pytest.mark.parametrize(("dropping", "kept"), [("drop_oldest", ["2", "3"]), ("drop_newest", ["0", "1"])])
def test_bytes_are_bounded(dropping: Dropping, kept: list[str]) -> None:
    found = waiting(dropping, records=100)
    for number in range(4):
        found.put(str(number), 400)
    assert list(found.take()) == kept
    assert found.dropped["full"] == 2


def test_what_the_sender_holds_counts() -> None:
    found = waiting("drop_newest")
    found.put("0", 1)
    found.written(len(found.take()), 1)
    for number in range(1, 5):
        found.put(str(number), 1)
    assert (found.count, found.dropped["full"]) == (3, 2)
    found.left(1, 1)
    found.put("5", 1)
    assert list(found.take()) == ["1", "2", "5"]


def test_the_oldest_batch_goes_first() -> None:
    found = waiting()
    for key in ("a", "b"):
        found.put(key, 1)
        found.written(len(found.take()), 1)
        found.hold(Batch(key, b"x", 1))
    found.put("c", 1)
    found.put("d", 1)
    assert found.dropped["full"] == 1
    batch = found.next()
    assert batch is not None
    assert batch.key == "b"
    assert list(found.take()) == ["c", "d"]


def test_a_record_that_never_fits_is_dropped() -> None:
    found = waiting()
    found.put("x", 2000)
    assert (found.count, found.dropped["full"]) == (0, 1)


def test_block_waits_for_room() -> None:
    found = waiting("block", block=60)
    for number in range(3):
        found.put(str(number), 1)
    caller = threading.Thread(target=found.put, args=("3", 1))
    caller.start()
    found.sleep(60)  # the caller asks for room
    taken = found.take()
    found.written(len(taken), 3)
    found.left(3, 3)
    caller.join(60)
    assert list(found.take()) == ["3"]
    assert not found.dropped


def test_block_never_holds_up_an_event_loop() -> None:
    found = waiting("block", block=3600)

    async def log() -> None:
        for number in range(4):
            found.put(str(number), 1)

    asyncio.run(log())
    assert found.dropped["full"] == 1


def test_a_mark_outlives_the_dropping() -> None:
    found = waiting(records=2)
    found.put("0", 1)
    mark = found.mark()
    for number in range(1, 4):
        found.put(str(number), 1)
    assert mark in found.take()


def test_many_threads_lose_nothing() -> None:
    found = waiting(records=1_000_000, size=1 << 40)

    def put(name: int) -> None:
        for number in range(5000):
            found.put(f"{name}-{number}", 1)

    threads = [threading.Thread(target=put, args=(name,)) for name in range(4)]
    for thread in threads:
        thread.start()
    taken: list[object] = []
    while any(thread.is_alive() for thread in threads):
        taken += found.take()
    taken += found.take()
    assert len(set(taken)) == 20_000
