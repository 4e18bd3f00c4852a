"""Bytes into lines: limits, ends, encodings, and reads that stop anywhere."""

import bz2
import gzip
import lzma
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from logyard.receivers.tailing.content import Unfinished, open_content
from logyard.receivers.tailing.cut import LongLines, cut
from logyard.receivers.tailing.events import LongLinesMet
from tests.receivers.files.conftest import Tailing, write

Make = Callable[..., Tailing]


def test_skip_long_lines_keeps_surrounding_records(home: Path, tailing: Make) -> None:
    tail = tailing(max_line_bytes=10, long_lines="skip", block_bytes=16)
    write(home / "a.log", "one", "x" * 100, "two")
    assert tail.run() == ["one", "two"]
    assert sum(event.count for event in tail.of(LongLinesMet)) == 1


def test_truncate_long_lines_emits_truncated_record_and_continues(home: Path, tailing: Make) -> None:
    tail = tailing(max_line_bytes=10, block_bytes=16)
    write(home / "a.log", "one", "x" * 100, "two")
    assert tail.run() == ["one", "x" * 10, "two"]
    assert [given.get("truncated") for given in tail.constants] == [None, "true", None]


def test_split_long_lines_keep_every_byte(home: Path, tailing: Make) -> None:
    tail = tailing(max_line_bytes=10, long_lines="split", block_bytes=16)
    write(home / "a.log", "one", "x" * 25, "two")
    assert "".join(tail.run()) == "one" + "x" * 25 + "two"
    assert max(map(len, tail.lines)) == 10


@pytest.mark.parametrize("policy", ["truncate", "split", "skip"])
@pytest.mark.parametrize("kill", [False, True])
def test_a_long_line_over_many_reads_and_a_restart(home: Path, tailing: Make, policy: LongLines, *, kill: bool) -> None:
    tail = tailing(max_line_bytes=10, long_lines=policy, block_bytes=16)
    write(home / "a.log", "y" * 30, end="")
    tail.run()
    if kill:
        tail.crash()
        tail.start()
    write(home / "a.log", "y" * 30, "after")
    tail.run()
    assert tail.lines[-1] == "after"
    joined = "".join(tail.lines[:-1])
    assert joined == {"truncate": "y" * 10, "split": "y" * 60, "skip": ""}[policy]


@pytest.mark.parametrize("size", [15, 16, 17, 31, 32, 33])
def test_line_exactly_at_buffer_edge(home: Path, tailing: Make, size: int) -> None:
    tail = tailing(block_bytes=16, max_line_bytes=64)
    write(home / "a.log", "a" * (size - 1), "b" * size, "c")
    assert tail.run() == ["a" * (size - 1), "b" * size, "c"]


def test_crlf_split_across_reads(home: Path, tailing: Make) -> None:
    tail = tailing(block_bytes=16, max_line_bytes=64)
    write(home / "a.log", "x" * 14, "second", "", "third", end="\r\n")
    assert tail.run() == ["x" * 14, "second", "third"]


def test_utf8_split_across_reads(home: Path, tailing: Make) -> None:
    tail, line = tailing(block_bytes=16, max_line_bytes=64), "ü€😀" * 5
    (home / "a.log").write_text(f"{line}\n{line}x\n", encoding="utf-8")
    assert tail.run() == [line, line + "x"]


def test_invalid_bytes_are_replaced_and_nul_stays(home: Path, tailing: Make) -> None:
    (home / "a.log").write_bytes(b"a\xffb\nc\0d\n")
    assert tailing().run() == ["a\ufffdb", "c\0d"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_with_a_mark(home: Path, tailing: Make, encoding: str) -> None:
    tail, log = tailing(block_bytes=32, max_line_bytes=200), home / "a.log"
    text = "eins ü\r\nzwei 😀 \u0a00\u000a\u010adrei\n"
    log.write_bytes(("\ufeff" + text).encode(encoding))
    assert tail.run() == ["eins ü", "zwei 😀 \u0a00", "\u010adrei"]
    with log.open("ab") as file:
        file.write("vier\nfü".encode(encoding))
    tail.restart()
    assert tail.run() == ["vier"]
    with log.open("ab") as file:
        file.write("nf\n".encode(encoding))
    assert tail.run() == ["fünf"]


def test_utf8_mark_is_no_part_of_the_line(home: Path, tailing: Make) -> None:
    (home / "a.log").write_bytes(b"\xef\xbb\xbfone\ntwo\n")
    assert tailing().run() == ["one", "two"]


def test_partial_last_line_is_flushed_when_asked(home: Path, tailing: Make) -> None:
    tail = tailing(flush_idle=5.0)
    write(home / "a.log", "no end", end="")
    assert tail.run() == []
    assert tail.run(seconds=6) == ["no end"]
    write(home / "a.log", "next")
    assert tail.run() == ["next"]


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": zstandard.ZstdCompressor().compress,
}


@pytest.mark.parametrize("ending", PACKERS)
def test_reads_gzip_static_file(home: Path, tailing: Make, ending: str) -> None:
    """And its like, with several members, the last line without an end, in reads that are smaller than it."""
    tail = tailing(include=[f"{home}/*"], block_bytes=64, max_line_bytes=200)
    first, second = [f"first {number}" for number in range(50)], [f"second {number}" for number in range(50)]
    pack = PACKERS[ending]
    packed = pack("\n".join([*first, ""]).encode()) + pack("\n".join(second).encode())
    (home / f"old.log.{ending}").write_bytes(packed)
    assert tail.run() == first + second
    tail.crash()
    tail.start()
    assert tail.run() == []


@pytest.mark.parametrize("ending", PACKERS)
def test_a_compressed_file_that_is_still_being_written(home: Path, tailing: Make, ending: str) -> None:
    tail = tailing(include=[f"{home}/*"])
    lines = [f"{number} {os.urandom(20).hex()}" for number in range(500)]
    packed = PACKERS[ending]("\n".join([*lines, ""]).encode())
    path = home / f"old.log.{ending}"
    for end in (len(packed) // 2, len(packed) - 3, len(packed)):
        path.write_bytes(packed[:end])
        tail.run()
        assert tail.lines == lines[: len(tail.lines)]
    assert tail.lines == lines


@pytest.mark.parametrize("ending", PACKERS)
def test_a_stream_that_is_cut_says_so_and_gives_what_came_before(home: Path, ending: str) -> None:
    data = "\n".join(os.urandom(20).hex() for _ in range(50_000)).encode()
    path = home / f"old.log.{ending}"
    path.write_bytes(PACKERS[ending](data)[:-100_000])
    content = open_content(f"{path}")
    parts: list[bytes] = []

    def read_all() -> None:
        while part := content.read(sum(map(len, parts)), 1 << 16):
            parts.append(part)

    with pytest.raises(Unfinished):
        read_all()
    assert content.unfinished
    assert data.startswith(b"".join(parts))
    assert sum(map(len, parts)) > (0 if ending == "bz2" else 1_000_000)
    content.close()


@given(
    st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=20),
    st.integers(1, 12),
    st.integers(14, 40),
)
def test_splitting_loses_no_byte_wherever_reads_stop(lines: list[bytes], most: int, size: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    at, got = 0, b""
    while at < len(data):
        window = data[at : at + size]
        found = cut(window, most, "split")
        got += b"".join(window[start:end] for start, end, _ in found.pieces)
        assert found.used
        at += found.used
    assert got.replace(b"\n", b"") == b"".join(lines)
