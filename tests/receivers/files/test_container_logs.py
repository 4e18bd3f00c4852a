"""Records of container engines: their times, streams and parts, also over a rotation and a restart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from tests.receivers.files.conftest import Tailing, write

Make = Callable[..., Tailing]
TIME = "2026-01-01T00:00:00.123456789Z"


def follow(tailing: Make, engine: Literal["docker", "cri"], **options: Any) -> Tailing:
    tail = tailing(**options)
    tail.understanding(format=engine)
    return tail


def records(tail: Tailing) -> list[tuple[str, str]]:
    tail.run()
    found = tail.records().select("attributes", "message").iter_rows()
    return [(msgspec.json.decode(attributes).get("stream", ""), message) for attributes, message in found]


def docker(text: str, stream: str = "stdout") -> str:
    return msgspec.json.encode({"log": text, "stream": stream, "time": TIME}).decode()


def cri(text: str, tag: str = "F", stream: str = "stdout") -> str:
    return f"{TIME} {stream} {tag} {text}"


def test_docker_mode_parses_and_flushes_docker_json_stream(home: Path, tailing: Make) -> None:
    tail = follow(tailing, "docker")
    write(
        home / "a.log", docker("one\n"), docker("tw"), docker("err\n", "stderr"), docker("o\n"), docker('{"msg":"j"}\n')
    )
    assert records(tail) == [("stdout", "one"), ("stdout", "two"), ("stderr", "err"), ("stdout", "j")]
    assert tail.records()["timestamp"].dt.to_string("%FT%T%.9fZ").to_list() == [TIME] * 4


def test_cri_parts_are_joined(home: Path, tailing: Make) -> None:
    tail = follow(tailing, "cri")
    write(
        home / "a.log", cri("one"), cri("a" * 16384, "P"), cri("x", stream="stderr"), cri("b" * 16384, "P"), cri("end")
    )
    assert records(tail) == [
        ("stdout", "one"),
        ("stdout", "a" * 16384 + "b" * 16384 + "end"),
        ("stderr", "x"),
    ]


@pytest.mark.parametrize("end", ["rename", "crash and rename", "crash after"])
def test_cri_split_across_rotation(home: Path, tailing: Make, end: str) -> None:
    log, tail = home / "0.log", follow(tailing, "cri")
    write(log, cri("one"), cri("begin-", "P"))
    assert records(tail) == [("stdout", "one")]
    if end == "crash and rename":
        tail.crash()
        tail.start()
    log.rename(home / "0.log.20260101-000000")
    write(log, cri("end"), cri("two"))
    assert records(tail) == [("stdout", "one"), ("stdout", "begin-end"), ("stdout", "two")]
    if end == "crash after":
        tail.crash()
        tail.start()
    write(log, cri("three"))
    assert records(tail)[2:] == [("stdout", "two"), ("stdout", "three")]


def test_a_part_whose_end_never_comes_is_given_up(home: Path, tailing: Make) -> None:
    tail = follow(tailing, "cri", hold_seconds=5.0)
    write(home / "a.log", cri("half", "P"))
    assert records(tail) == []
    tail.clock.advance(6)
    assert records(tail) == [("stdout", "half")]


def test_lines_that_are_no_records_are_kept(home: Path, tailing: Make) -> None:
    tail = follow(tailing, "cri")
    write(home / "a.log", "not a record", cri("one"))
    assert records(tail) == [("", "not a record"), ("stdout", "one")]
