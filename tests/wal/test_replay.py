"""What a journal's messages say, against a model: whatever is written, lost, voided and taken over."""

import asyncio
import json
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import BadConfig, Corrupt
from logyard.model.batch import Batch, Encoded
from logyard.testing.buffer_suite import made
from logyard.wal.intake import Pending
from logyard.wal.record import body_of, decode, form_of
from logyard.wal.remote.address import Address
from logyard.wal.remote.envelope import HEAD_BYTES, Envelope, Flag, Kind, open_envelope, sealed_envelope
from logyard.wal.remote.packing import packed
from logyard.wal.remote.replay import Found, Replay
from logyard.wal.segment import scan

LIMIT = 600


def pending(batch: Batch) -> Pending:
    loop = asyncio.new_event_loop()
    try:
        return Pending(batch, form_of(batch), body_of(batch), loop.create_future(), loop)
    finally:
        loop.close()


class Writer:
    """One process at a journal, without threads and clocks."""

    def __init__(self, journal: list[bytes], epoch: bytes) -> None:
        self.journal = journal
        self.epoch = epoch
        self.number = 0
        self.certain = 0
        self.certain = self.say(Kind.CLAIM)

    def say(self, kind: Kind, flags: Flag = Flag.NONE, payload: Sequence[bytes | memoryview] = ()) -> int:
        self.number += 1
        envelope = Envelope(kind=kind, flags=flags, epoch=self.epoch, number=self.number, floor=self.certain)
        self.journal.append(sealed_envelope(envelope, payload))
        return len(self.journal)

    def write(self, batches: Sequence[Batch], *, seals: bool = False) -> None:
        """A group, all of its messages."""
        packs = list(packed(map(pending, batches), LIMIT - HEAD_BYTES))
        for pack in packs:
            for part, pieces in enumerate(pack.messages):
                flags = Flag.GOES_ON if part else Flag.NONE
                last = part == len(pack.messages) - 1
                flags |= (Flag.SEALS if seals and pack is packs[-1] else Flag.NONE) if last else Flag.MORE
                self.say(Kind.LINES, flags, pieces)


def read(journal: Sequence[bytes]) -> tuple[list[list[int]], Replay]:
    """Batch numbers by segment."""
    replay = Replay()
    segments: list[list[int]] = [[]]
    for found in replay.run(enumerate(journal, 1)):
        segments[-1] += _numbers(found)
        if found.seals:
            segments.append([])
    return [segment for segment in segments if segment], replay


def _numbers(found: Found) -> list[int]:
    return [int(decode(found.frames, header, "lines").first) for header in scan(found.frames) or ()]


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.lists(st.integers(1, 2_000), min_size=1, max_size=6), st.booleans()),
        # Refused: so many of its messages are kept all the same.
        st.tuples(st.just("refused"), st.lists(st.integers(1, 2_000), min_size=1, max_size=6), st.integers(0, 9)),
        # The process dies when so many messages of a group are kept.
        st.tuples(st.just("dies"), st.lists(st.integers(1, 2_000), min_size=1, max_size=6), st.integers(0, 9)),
        st.tuples(st.just("seal"), st.just([0]), st.just(0)),
    ),
    max_size=12,
)


class Story:
    """What happened to a journal, and what must be read of it."""

    def __init__(self) -> None:
        self.journal: list[bytes] = []
        self.certain: list[list[int]] = [[]]
        """Numbers by segment."""
        self.doubtful: set[int] = set()
        """May be read or not: their process died before it heard."""
        self._writer = Writer(self.journal, bytes(16))
        self._number = self._processes = 0

    def tell(self, action: str, sizes: list[int], extra: int) -> None:
        if action == "seal":
            self._writer.certain = self._writer.say(Kind.SEAL)
            self.certain.append([])
            return
        before = len(self.journal)
        batches = [made(self._number + place, size=size) for place, size in enumerate(sizes, 1)]
        self._number += len(batches)
        self._writer.write(batches, seals=action == "write" and bool(extra))
        if action == "write":
            self._writer.certain = len(self.journal)
            self.certain[-1] += [int(batch.first) for batch in batches]
            self.certain += [[]] if extra else []
            return
        del self.journal[before + extra :]
        self._end(action, {int(batch.first) for batch in batches})

    def _end(self, action: str, numbers: set[int]) -> None:
        """After a group of which only a part is kept."""
        if action == "refused":
            self._writer.certain = self._writer.say(Kind.VOID)
        else:
            self.doubtful |= numbers
            self._processes += 1
            self._writer = Writer(self.journal, bytes([self._processes]) * 16)
        self.certain.append([])


@given(ACTIONS)
def test_what_was_certain_is_read_and_what_was_refused_is_not(actions: list[tuple[str, list[int], int]]) -> None:
    story = Story()
    for action in actions:
        story.tell(*action)
    Writer(story.journal, b"\xff" * 16)
    segments, replay = read(story.journal)
    kept = [[one for one in segment if one not in story.doubtful] for segment in segments]
    assert [segment for segment in kept if segment] == [segment for segment in story.certain if segment]
    doubtful = [one for segment in segments for one in segment if one in story.doubtful]
    assert doubtful == sorted(doubtful)
    assert (replay.corrupt, replay.repeated) == (0, 0)
    assert read(story.journal)[0] == segments, "the same again"


def test_a_message_that_comes_twice_counts_once() -> None:
    journal: list[bytes] = []
    writer = Writer(journal, bytes(16))
    writer.write([made(1)])
    journal.append(journal[-1])
    segments, replay = read(journal)
    assert (segments, replay.repeated) == ([[1]], 1)


def test_nobody_voids_what_another_has_written() -> None:
    journal: list[bytes] = []
    old = Writer(journal, bytes(16))
    new = Writer(journal, b"n" * 16)
    new.write([made(1)])
    old.say(Kind.VOID)
    assert read(journal)[0] == [[1]]


@given(st.integers(0, 400), st.integers(0, 7))
def test_a_flipped_bit_costs_one_message_and_is_counted(place: int, bit: int) -> None:
    journal: list[bytes] = []
    writer = Writer(journal, bytes(16))
    for number in (1, 2, 3):
        writer.write([made(number, size=300)])
    damaged = bytearray(journal[2])
    damaged[place % len(damaged)] ^= 1 << bit
    journal[2] = bytes(damaged)
    segments, replay = read(journal)
    assert (segments, replay.corrupt) == ([[1, 3]], 1)


@given(st.binary(max_size=100))
def test_whatever_the_bytes_nothing_but_corrupt_is_raised(data: bytes) -> None:
    with pytest.raises(Corrupt):
        open_envelope(data)


@given(st.lists(st.integers(1, 3_000), min_size=1, max_size=10), st.integers(120, 2_000))
def test_packs_hold_every_frame_and_keep_the_limit(sizes: list[int], limit: int) -> None:
    batches = [made(number, size=size) for number, size in enumerate(sizes)]
    packs = list(packed(map(pending, batches), limit))
    assert [batch for pack in packs for batch in pack.batches] == batches
    assert all(sum(map(len, pieces)) <= limit for pack in packs for pieces in pack.messages)
    whole = b"".join(bytes(piece) for pack in packs for piece in pack.frames())
    assert [decode(whole, header, "lines") for header in scan(whole) or ()] == batches
    assert all(pack.size == sum(map(len, pack.frames())) for pack in packs)


def test_a_head_beyond_the_limit_is_cut_too() -> None:
    body = Encoded(lines=json.dumps({"message": "x" * 500}).encode(), rows=1)
    (pack,) = packed([pending(Batch(**{**_fields(made(1)), "body": body, "tenant": "t" * 300}))], 100)  # type: ignore[arg-type]
    assert all(sum(map(len, pieces)) <= 100 for pieces in pack.messages)


def _fields(batch: Batch) -> dict[str, object]:
    return {name: getattr(batch, name) for name in Batch.__struct_fields__}


OPTIONS = {"replicas": "3"}


def test_an_address_is_understood() -> None:
    found = Address.parse("nats://me:p%40ss@h1:4222,[::1]:4222/LOGS?replicas=5", options=OPTIONS)
    assert (found.scheme, found.hosts, found.name) == ("nats", ("h1:4222", "[::1]:4222"), "LOGS")
    assert (found.user, found.number("replicas")) == ("me:p%40ss", 5)


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        pytest.param("nats:h", "SCHEME", id="no address"),
        pytest.param("nats://h1:4222", "SCHEME", id="no name"),
        pytest.param("nats://h:4222/a.b", "no name", id="a name with a dot"),
        pytest.param("nats://h:x/LOGS", "not HOST:PORT", id="port"),
        pytest.param("nats://h/LOGS?replica=3", "no option 'replica'", id="unknown option"),
        pytest.param("nats://me:secret@h", r"nats://\.\.\.@h", id="secrets are not shown"),
    ],
)
def test_an_address_that_is_none_is_refused(url: str, wanted: str) -> None:
    with pytest.raises(BadConfig, match=wanted):
        Address.parse(url, options=OPTIONS)
