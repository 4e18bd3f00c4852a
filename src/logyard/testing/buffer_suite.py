"""The conformance suite of the buffer port: every adapter passes it unchanged.

Inherit it and give a fixture ``place``: a ``Place`` with nothing in it.
"""

import asyncio
import json
import threading
from collections.abc import Sequence
from typing import Final, Protocol

import polars as pl
import pytest

from logyard.errors import Backpressure, Closing
from logyard.model.batch import Batch, Encoded, Receipt
from logyard.model.reading import Reading
from logyard.ports import Buffer, Sealed
from logyard.types import BatchId, LogId, Nanoseconds, Tenant
from logyard.wal.log import WalSettings

__all__ = ["CALM", "BufferSuite", "Place", "all_sealed", "made"]

_NOW: Final = 1_767_225_600_000_000_000
_SECONDS: Final = 60.0
CALM: Final = WalSettings(min_free_bytes=0, segment_seconds=1e9)
"""Nothing is sealed unless asked for."""


class Place(Protocol):
    """Where a buffer lives."""

    def open(self, settings: WalSettings = CALM) -> Buffer:
        """Let go of the one that is open, if any, and open what it left, as a new process would."""
        ...


def made(number: int, *, framed: bool = False, keyed: bool = False, size: int = 1) -> Batch:
    """A batch of one record, told from others by its number."""
    message = f"message {number} " + "x" * size
    lines = Encoded(lines=json.dumps({"message": message}).encode(), rows=1)
    return Batch(
        id=BatchId(number.to_bytes(16, "big")),
        first=LogId(number),
        received=Nanoseconds(_NOW),
        body=pl.DataFrame({"message": [message]}) if framed else lines,
        keyed=keyed,
    )


def all_sealed(buffer: Buffer, cursor: str = "store") -> Sequence[Sealed]:
    """Seal what is open; everything that the cursor has not passed."""
    buffer.register(cursor)
    buffer.seal()
    wanted = buffer.position() - buffer.passed(cursor)
    found: list[Sealed] = []
    while sum(len(segment.batches()) for segment in found) < wanted:
        after = found[-1].number if found else -1
        more = buffer.wait(cursor, _SECONDS, after=after)
        assert more, f"only {found} of {wanted} batches were sealed"
        found += more
    return found


def _read(buffer: Buffer, cursor: str = "store") -> list[Batch]:
    return [batch for segment in all_sealed(buffer, cursor) for batch in segment.batches()]


def _contents(segments: Sequence[Sealed]) -> list[tuple[int, str, bytes]]:
    return [(segment.number, segment.token, segment.path.read_bytes()) for segment in segments]


class BufferSuite:
    """What a buffer promises."""

    async def test_positions_rise_from_one(self, place: Place) -> None:
        buffer = place.open()
        assert buffer.position() == 0
        assert [await buffer.append(made(number)) for number in range(3)] == [1, 2, 3]
        assert buffer.position() == 3

    async def test_many_appends_share_commits_and_keep_their_order(self, place: Place) -> None:
        buffer = place.open()
        positions = await asyncio.gather(*(buffer.append(made(number)) for number in range(500)))
        assert sorted(positions) == list(range(1, 501))
        stats = buffer.stats()
        assert (stats.appended_total, stats.appended_rows_total, stats.failures_total) == (500, 500, 0)
        assert stats.commits_total < 100
        assert [one.first for one in _read(buffer)] == list(range(500))

    async def test_a_batch_is_read_back_as_it_was(self, place: Place) -> None:
        lines = Encoded(lines=b'{"text":"\xc3\xa4"}\n{"text":"b"}', rows=2, reading=Reading(message=("text",)))
        sent = Batch(
            id=BatchId(b"0123456789abcdef"),
            first=LogId(1 << 40),
            received=Nanoseconds(_NOW),
            body=lines,
            tenant=Tenant("acme"),
            keyed=True,
        )
        buffer = place.open()
        await buffer.append(sent)
        assert _read(buffer) == [sent]

    async def test_a_large_frame_is_read_back_as_it_was(self, place: Place) -> None:
        frame = pl.DataFrame({"message": [f"{number:0100}" for number in range(5_000)], "n": range(5_000)})
        sent = Batch(id=BatchId(bytes(16)), first=LogId(1), received=Nanoseconds(0), body=frame)
        buffer = place.open()
        await buffer.append(sent)
        (back,) = _read(buffer)
        assert isinstance(back.body, pl.DataFrame)
        assert back.body.equals(frame)

    async def test_megabytes_in_one_batch_between_small_ones(self, place: Place) -> None:
        sent = [made(1), made(2, size=2_500_000), made(3), made(4, size=1_048_576), made(5)]
        buffer = place.open()
        await asyncio.gather(*map(buffer.append, sent))
        assert _read(buffer) == sent
        assert _read(place.open()) == sent

    @pytest.mark.parametrize(
        "settings",
        [
            pytest.param(WalSettings(min_free_bytes=0, segment_seconds=1e9, segment_bytes=500), id="by bytes"),
            pytest.param(WalSettings(min_free_bytes=0, segment_seconds=1e9, segment_rows=3), id="by rows"),
            pytest.param(WalSettings(min_free_bytes=0, segment_seconds=0), id="by age"),
        ],
    )
    async def test_a_segment_is_sealed_by_itself(self, place: Place, settings: WalSettings) -> None:
        buffer = place.open(settings)
        buffer.register("store")
        for number in range(10):
            await buffer.append(made(number))
        assert buffer.wait("store", _SECONDS)

    async def test_both_forms_are_read_in_their_order(self, place: Place) -> None:
        buffer = place.open(WalSettings(min_free_bytes=0, segment_seconds=1e9, segment_bytes=3_000))
        sent = [made(number, framed=bool(number % 3)) for number in range(60)]
        await asyncio.gather(*map(buffer.append, sent))
        for restarted in (buffer, place.open()):
            segments = all_sealed(restarted)
            assert [segment.number for segment in segments] == sorted({segment.number for segment in segments})
            for form in (Encoded, pl.DataFrame):
                found = [one for segment in segments for one in segment.batches() if isinstance(one.body, form)]
                assert [one.first for one in found] == [one.first for one in sent if isinstance(one.body, form)]

    async def test_a_successor_sees_the_same_segments(self, place: Place) -> None:
        buffer = place.open(WalSettings(min_free_bytes=0, segment_seconds=1e9, segment_rows=7))
        await asyncio.gather(*(buffer.append(made(number, framed=number % 5 == 0)) for number in range(30)))
        await asyncio.gather(*(buffer.append(made(number)) for number in range(30, 40)))
        before = _contents(all_sealed(buffer))
        after = _contents(all_sealed(place.open(WalSettings(min_free_bytes=0, segment_seconds=1e9, segment_rows=2))))
        assert after == before, "whatever its own settings are"
        assert len({token for _, token, _ in after}) == len(after)

    async def test_what_was_open_is_there_after_a_restart(self, place: Place) -> None:
        sent = [made(number) for number in range(5)]
        await asyncio.gather(*map(place.open().append, sent))
        again = place.open()
        again.register("store")
        assert [one for segment in again.sealed("store") for one in segment.batches()] == sent
        assert await again.append(made(9)) == again.position()
        assert _read(again) == [*sent, made(9)]

    async def test_keyed_batches_are_known_while_they_are_here(self, place: Place) -> None:
        buffer = place.open()
        await buffer.append(made(1))
        await buffer.append(made(2, keyed=True))
        await buffer.append(made(3, keyed=True, framed=True))
        wanted = {made(number).id: Receipt(first=LogId(number), rows=1) for number in (2, 3)}
        assert buffer.keyed_backlog() == wanted, "while they are open"
        again = place.open()
        assert again.keyed_backlog() == wanted, "after a restart"
        for segment in all_sealed(again):
            again.advance("store", segment)
        assert again.keyed_backlog() == {}

    async def test_a_segment_goes_when_all_cursors_have_passed_it(self, place: Place) -> None:
        buffer = place.open()
        buffer.register("output")
        await buffer.append(made(1))
        (segment,) = all_sealed(buffer)
        for _ in range(2):
            buffer.advance("store", segment)
        assert (buffer.passed("store"), buffer.passed("output")) == (1, 0)
        assert list(buffer.sealed("store")) == []
        assert list(buffer.sealed("output")) == [segment]
        assert segment.path.exists()
        buffer.advance("output", segment)
        assert not segment.path.exists()
        assert (buffer.passed("output"), buffer.stats().backlog_bytes, buffer.stats().segments) == (1, 0, 0)

    async def test_what_only_a_forgotten_cursor_held_goes(self, place: Place) -> None:
        buffer = place.open()
        buffer.register("output")
        await buffer.append(made(1))
        (segment,) = all_sealed(buffer)
        buffer.advance("store", segment)
        assert buffer.stats().segments == 1
        buffer.forget("output")
        assert buffer.stats().segments == 0
        assert buffer.stats().lag.keys() == {"store"}
        assert place.open().stats().lag.keys() == {"store"}

    async def test_each_cursor_stands_where_it_stood_after_a_restart(self, place: Place) -> None:
        buffer = place.open(WalSettings(min_free_bytes=0, segment_seconds=1e9, segment_rows=1))
        buffer.register("output")
        for number in range(4):
            await buffer.append(made(number))
        segments = all_sealed(buffer)
        for cursor, passed in (("store", segments[2]), ("output", segments[0])):
            buffer.advance(cursor, passed)
        again = place.open()
        for cursor, wanted in (("store", [3]), ("output", [1, 2, 3])):
            assert [one.first for one in _read(again, cursor)] == wanted
            assert again.passed(cursor) == again.position() - len(wanted)

    async def test_what_all_have_passed_does_not_come_back(self, place: Place) -> None:
        buffer = place.open()
        await asyncio.gather(*(buffer.append(made(number, framed=number % 2 == 0)) for number in range(10)))
        for segment in all_sealed(buffer):
            buffer.advance("store", segment)
        await buffer.append(made(11))
        assert [one.first for one in _read(place.open())] == [11]
        assert [one.first for one in _read(place.open())] == [11]

    async def test_a_new_cursor_starts_at_the_oldest_segment(self, place: Place) -> None:
        buffer = place.open()
        await buffer.append(made(1))
        all_sealed(buffer)
        assert [one.first for one in _read(buffer, "late")] == [1]

    async def test_passed_counts_what_is_still_open(self, place: Place) -> None:
        buffer = place.open()
        buffer.register("store")
        await buffer.append(made(1))
        assert buffer.passed("store") == 0

    async def test_a_full_backlog_refuses_and_what_was_refused_never_shows(self, place: Place) -> None:
        buffer = place.open(WalSettings(min_free_bytes=0, segment_seconds=1e9, max_bytes=300))
        await buffer.append(made(1, size=200))
        with pytest.raises(Backpressure, match=r"wal\.max_bytes"):
            await buffer.append(made(2, size=200))
        (segment,) = all_sealed(buffer)
        buffer.advance("store", segment)
        assert await buffer.append(made(3, size=200)) == 2
        assert [one.first for one in _read(buffer)] == [3]

    async def test_a_full_queue_refuses_and_one_large_batch_fits(self, place: Place) -> None:
        buffer = place.open(WalSettings(min_free_bytes=0, segment_seconds=1e9, max_pending_bytes=100))
        tries = (buffer.append(made(number, size=500)) for number in range(5))
        answers = await asyncio.gather(*tries, return_exceptions=True)
        assert answers[0] == 1
        assert isinstance(answers[1], Backpressure)
        kept = [number for number, answer in enumerate(answers) if isinstance(answer, int)]
        assert [one.first for one in _read(buffer)] == kept

    async def test_a_cancelled_append_harms_nobody(self, place: Place) -> None:
        buffer = place.open()
        gone = asyncio.ensure_future(buffer.append(made(1)))
        stays = asyncio.ensure_future(buffer.append(made(2)))
        await asyncio.sleep(0)
        gone.cancel()
        assert await stays in {1, 2}

    async def test_close_keeps_and_seals_what_is_queued(self, place: Place) -> None:
        buffer = place.open()
        buffer.register("store")
        tasks = [asyncio.ensure_future(buffer.append(made(number))) for number in range(20)]
        await asyncio.sleep(0)
        await asyncio.to_thread(buffer.close)
        assert sorted(await asyncio.gather(*tasks)) == list(range(1, 21))
        assert sum(len(segment.batches()) for segment in buffer.sealed("store")) == 20
        with pytest.raises(Closing):
            await buffer.append(made(99))
        for segment in buffer.sealed("store"):
            buffer.advance("store", segment)
        assert place.open().stats().backlog_rows == 0, "advanced after close"

    def test_wake_ends_a_wait_that_comes_after_it(self, place: Place) -> None:
        buffer = place.open()
        buffer.register("store")
        buffer.wake()
        assert list(buffer.wait("store", _SECONDS)) == []

    def test_close_ends_every_wait(self, place: Place) -> None:
        buffer = place.open()
        buffer.register("store")
        waiting = threading.Thread(target=buffer.wait, args=("store", _SECONDS))
        waiting.start()
        buffer.close()
        waiting.join(_SECONDS / 2)
        assert not waiting.is_alive()

    def test_a_name_that_is_none_is_refused(self, place: Place) -> None:
        with pytest.raises(ValueError, match="no name for a cursor"):
            place.open().register("../store")

    def test_an_untroubled_buffer_says_nothing(self, place: Place) -> None:
        buffer = place.open()
        assert (buffer.trouble, buffer.alive) == ("", True)
