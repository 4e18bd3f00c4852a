"""The pure parts between an engine's bytes and a reader's lines."""

import asyncio
import itertools
import signal
import struct
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.agent.cri import CriParser, written
from logyard.agent.cursor import Cursor, Resume, parse
from logyard.agent.driver import STDERR, STDOUT, EngineFailed, Line
from logyard.agent.engine.api import EngineApi
from logyard.agent.engine.exec import EngineExec
from logyard.agent.engine.http import Upgraded
from logyard.agent.frames import FrameParser
from logyard.agent.partial import LineJoiner, TerminalLines
from logyard.agent.stamps import Stamps, iso
from logyard.agent.window import BadPattern, Window, cut
from logyard.errors import BadInput, Corrupt

NOON = 1_706_702_400_000_000_000  # 2024-01-31T12:00:00Z


def frame(stream: int, payload: bytes) -> bytes:
    return struct.pack(">BxxxI", stream, len(payload)) + payload


def stamped(nanosecond: int, payload: bytes) -> bytes:
    return f"2024-01-31T12:00:00.{nanosecond:09d}Z ".encode() + payload


def in_chunks(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(places)]


CUTS = st.lists(st.integers(0, 5000), max_size=20)
FRAMES = st.lists(st.tuples(st.sampled_from([STDOUT, STDERR]), st.binary(max_size=200)), max_size=20)


@given(FRAMES, CUTS)
def test_frames_come_through_however_the_network_cuts_them(frames: list[tuple[int, bytes]], cuts: list[int]) -> None:
    parser = FrameParser()
    data = b"".join(frame(*part) for part in frames)
    assert [part for chunk in in_chunks(data, cuts) for part in parser.feed(chunk)] == frames
    assert parser.clean


def test_a_half_frame_is_noticed() -> None:
    parser = FrameParser()
    assert parser.feed(frame(1, b"abc")[:-1]) == []
    assert not parser.clean


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"HTTP/1.1 500", id="no frames at all"),
        pytest.param(b"\x01\x00\x00\x01\x00\x00\x00\x01a", id="bytes that must be zero"),
        pytest.param(b"\x01\x00\x00\x00\xff\xff\xff\xffa", id="four gigabytes"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes) -> None:
    with pytest.raises(Corrupt):
        FrameParser().feed(data)


def test_an_error_in_the_stream_is_the_engines() -> None:
    with pytest.raises(EngineFailed, match="disk is gone"):
        FrameParser().feed(frame(3, b"disk is gone"))


def test_pieces_of_two_streams_are_joined_each_by_itself() -> None:
    parts = [
        (STDOUT, stamped(1, b"out-1 ")),
        (STDERR, stamped(2, b"err-1 ")),
        (STDOUT, stamped(3, b"out-2\n")),
        (STDOUT, stamped(4, b"whole\n")),
        (STDERR, stamped(5, b"err-2\n")),
        (STDOUT, stamped(6, b"never ended")),
    ]
    joiner = LineJoiner()
    assert joiner.feed(parts) == [
        Line(NOON + 1, STDOUT, b"out-1 out-2\n"),
        Line(NOON + 4, STDOUT, b"whole\n"),
        Line(NOON + 2, STDERR, b"err-1 err-2\n"),
    ]
    assert joiner.rest() == [Line(NOON + 6, STDOUT, b"never ended")]


def test_a_terminal_has_its_pieces_behind_each_other() -> None:
    terminal = TerminalLines()
    data = stamped(1, b"x" * 16_384) + stamped(2, b"y\r\n") + stamped(3, b"2024-01-31T12:00:00.000000009Z is said\r\n")
    parts = [part for chunk in in_chunks(data, [7, 16_400, 16_450]) for part in terminal.feed(chunk)]
    assert LineJoiner().feed(parts) == [
        Line(NOON + 1, STDOUT, b"x" * 16_384 + b"y\r\n"),
        Line(NOON + 3, STDOUT, b"2024-01-31T12:00:00.000000009Z is said\r\n"),
    ]


@pytest.mark.parametrize(
    ("text", "time"),
    [
        pytest.param(b"2024-01-31T12:00:00.000000001Z", NOON + 1, id="nanoseconds"),
        pytest.param(b"2024-01-31T12:00:00Z", NOON, id="whole"),
        pytest.param(b"2024-01-31T13:00:00.5+01:00", NOON + 500_000_000, id="zone"),
        pytest.param(b"2024-01-31T11:30:00.000000001-00:30", NOON + 1, id="behind"),
        pytest.param(b"2024-01-31T12:00:00+00:00", NOON, id="whole with zone"),
    ],
)
def test_a_stamp_is_read_to_the_nanosecond(text: bytes, time: int) -> None:
    stamps = Stamps()
    assert [stamps.parse(text), stamps.parse(text)] == [time, time]


@pytest.mark.parametrize("text", [b"", b"Z", b"yesterday", b"2024-01-31T12:00:00.x1Z", b"2024-02-31T12:00:00Z"])
def test_what_is_no_stamp_is_refused(text: bytes) -> None:
    with pytest.raises(Corrupt):
        Stamps().parse(text)


@given(st.integers(1, 2**62))
def test_a_stamp_that_is_written_is_read(time: int) -> None:
    assert Stamps().parse(iso(time).encode()) == time


BODY = st.one_of(st.binary(max_size=50), st.sampled_from([b"x" * size for size in (16_383, 16_384, 16_385, 40_000)]))
LINES = st.lists(
    st.tuples(st.sampled_from([STDOUT, STDERR]), BODY.map(lambda body: body.replace(b"\n", b""))), max_size=8
)


@given(LINES, CUTS)
def test_a_written_log_is_read(bodies: list[tuple[int, bytes]], cuts: list[int]) -> None:
    lines = [Line(NOON + index, stream, body + b"\n") for index, (stream, body) in enumerate(bodies)]
    data = b"".join(written(line) for line in lines)
    parser = CriParser()
    assert [line for chunk in in_chunks(data, cuts) for line in parser.feed(chunk)] == lines
    assert parser.rest() == []


def test_a_line_that_never_ended_is_given_as_it_stands() -> None:
    parser = CriParser()
    assert parser.feed(written(Line(NOON, STDERR, b"half"))) == []
    assert parser.rest() == [Line(NOON, STDERR, b"half")]


TIMES = st.lists(st.integers(1, 6), min_size=1, max_size=12)


@given(TIMES.map(sorted), st.integers(0, 12), CUTS)
def test_a_cursor_finds_its_place_again(times: list[int], place: int, cuts: list[int]) -> None:
    lines = [Line(time, STDOUT, str(index).encode()) for index, time in enumerate(times)]
    place = min(place, len(lines))
    places = [0, *sorted(cut % (place + 1) for cut in cuts), place]
    cursor = Cursor("c")
    for start, end in itertools.pairwise(places):
        cursor = cursor.after(lines[start:end])
    resume = Resume(parse(str(cursor)) if place else cursor)
    assert list(resume.feed(lines)) == lines[place:]
    assert not resume.lost_before


def test_lines_a_little_out_of_order_are_read_once() -> None:
    lines = [Line(5, STDOUT, b"a"), Line(4, STDERR, b"b"), Line(6, STDOUT, b"c")]
    assert list(Resume(Cursor("c").after(lines[:2])).feed(lines)) == lines[2:]
    assert list(Resume(Cursor("c").after(lines[:1])).feed(lines)) == lines[1:]


def test_a_place_that_is_gone_is_noticed() -> None:
    resume = Resume(Cursor("c", 5, 1, 5))
    later = [Line(9, STDOUT, b"later")]
    assert list(resume.feed(later)) == later
    assert resume.lost_before == 9


@pytest.mark.parametrize("text", ["x", "c:1:2", "c:1:2:x", ":1:2:3", "c:1:-2:3", "c:1:²:3"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="no cursor"):
        parse(text)


SAID = [Line(1, STDOUT, b"info a\n"), Line(2, STDERR, b"error b\n"), Line(3, STDOUT, b"error \xff\n")]


@pytest.mark.parametrize(
    ("window", "kept"),
    [
        pytest.param(Window(), [0, 1, 2], id="everything"),
        pytest.param(Window(since=2), [1, 2], id="since is inclusive"),
        pytest.param(Window(until=2), [0], id="until is exclusive"),
        pytest.param(Window(since=2, until=3), [1], id="both"),
        pytest.param(Window(stderr=False), [0, 2], id="stdout"),
        pytest.param(Window(include=("^error", "a$")), [0, 1, 2], id="one of several"),
        pytest.param(Window(include=("^error",), exclude=("b$",)), [2], id="but not"),
        pytest.param(Window(include=("\ufffd",)), [2], id="bytes that are no text"),
    ],
)
def test_a_window_leaves(window: Window, kept: list[int]) -> None:
    assert list(cut(window)(SAID)) == [SAID[index] for index in kept]


def test_a_bad_pattern_is_refused_at_once() -> None:
    with pytest.raises(BadPattern, match="cannot parse pattern"):
        cut(Window(exclude=("(",)))


class Unsure:
    """An engine that knows only at the third question which process a command is."""

    def __init__(self, pid: int) -> None:
        self.answers: list[tuple[int, int | None]] = [(0, None), (0, None), (pid, None)]

    async def exec_state(self, _: str) -> tuple[int, int | None]:
        return self.answers.pop(0)


async def test_a_command_is_sent_its_signal_once_the_engine_knows_it() -> None:
    process = await asyncio.create_subprocess_exec("sleep", "600")
    session = EngineExec(cast("EngineApi", Unsure(process.pid)), "id", cast("Upgraded", None), tty=False)
    await session.signal(signal.SIGTERM)
    assert await process.wait() == -signal.SIGTERM
