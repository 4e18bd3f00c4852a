"""Files into blocks: complete, in order, every line traceable."""

import bz2
import gzip
import lzma
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from logyard.cli.intake import BLOCK_BYTES, LINE_BYTES, Block, Shape, SourceFormat, blocks
from logyard.errors import BadPayload

TEXT = Shape()


def taken(path: Path, shape: Shape = TEXT) -> list[Any]:
    """The records of all blocks."""
    return [msgspec.json.decode(line) for block in blocks(path, shape) for line in block.lines.split(b"\n") if line]


def only(path: Path, shape: Shape = TEXT) -> Block:
    (block,) = blocks(path, shape)
    return block


@pytest.fixture
def file(tmp_path: Path) -> Callable[[bytes], Path]:
    def write(content: bytes) -> Path:
        path = tmp_path / "shop.log"
        path.write_bytes(content)
        return path

    return write


@pytest.mark.parametrize(
    ("content", "messages"),
    [
        pytest.param(b"", [], id="an empty file"),
        pytest.param(b"a\nb\n", ["a", "b"], id="lines"),
        pytest.param(b"a\nb", ["a", "b"], id="last line without LF"),
        pytest.param(b"a\r\nb\r\n", ["a", "b"], id="CRLF"),
        pytest.param(b"a\r\nb\r", ["a", "b"], id="CR at the end of the file"),
        pytest.param(b"a\rb\n", ["a\rb"], id="a CR inside a line stays"),
        pytest.param(b"\xef\xbb\xbfa\n", ["a"], id="byte order mark"),
        pytest.param(b"\n \na\n\n", ["a"], id="blank lines are skipped"),
        pytest.param(b"  a \n", ["  a "], id="blanks around a line stay"),
        pytest.param(b"\xff\xfeb\xe9\n", ["\ufffd\ufffdb\ufffd"], id="not UTF-8"),
        pytest.param(b"a\x00b\n", ["a\x00b"], id="NUL"),
        pytest.param(b"{broken\n", ["{broken"], id="almost JSON"),
        pytest.param(b"[1,2]\n7\nnull\n", ["[1,2]", "7", "null"], id="JSON, but no object"),
        pytest.param(b"{}}\n", ["{}}"], id="an object and more"),
    ],
)
def test_plain_lines_become_messages(file: Callable[[bytes], Path], content: bytes, messages: list[str]) -> None:
    path = file(content)
    assert [record["message"] for record in taken(path)] == messages
    assert all(record == {**record, "source": str(path), "service": "shop"} for record in taken(path))


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(b'{"msg": "a",  "n": 1e3}', id="as it came, spaces and all"),
        pytest.param(b"{}", id="the empty object"),
        pytest.param(b'  {"a":1}', id="indented"),
        pytest.param(b'{"a":1,"a":2}', id="a key twice"),
    ],
)
def test_an_object_goes_as_it_is(file: Callable[[bytes], Path], line: bytes) -> None:
    assert only(file(line + b"\r\n")).lines == line


def test_json_and_text_may_mix(file: Callable[[bytes], Path]) -> None:
    records = taken(file(b'{"n":1}\nplain\n{"n":2}\n'))
    assert [record.get("n", record.get("message")) for record in records] == [1, "plain", 2]


@pytest.mark.parametrize(
    ("shape", "line", "record"),
    [
        pytest.param(Shape(service="x"), b'{"a":1}', {"a": 1, "service": "x"}, id="service is added"),
        pytest.param(Shape(service="x"), b'{"app":"y"}', {"app": "y"}, id="unless the object names one"),
        pytest.param(Shape(fields={"env": "prod"}), b'{"a":1}', {"a": 1, "env": "prod"}, id="field is added"),
        pytest.param(Shape(fields={"a": "2"}), b'{"a":1}', {"a": 1}, id="unless it is there"),
        pytest.param(Shape(format=SourceFormat.JSON), b'{"a":1}', {"a": 1}, id="JSON as JSON"),
    ],
)
def test_shape_adds_what_is_missing(
    file: Callable[[bytes], Path], shape: Shape, line: bytes, *, record: dict[str, Any]
) -> None:
    assert taken(file(line), shape) == [record]


def test_format_text_takes_objects_as_text(file: Callable[[bytes], Path]) -> None:
    (record,) = taken(file(b'{"a":1}\n'), Shape(format=SourceFormat.TEXT, fields={"env": "x"}))
    assert (record["message"], record["env"]) == ('{"a":1}', "x")


def test_format_json_leaves_the_judgement_to_the_server(file: Callable[[bytes], Path]) -> None:
    assert only(file(b"nonsense\n"), Shape(format=SourceFormat.JSON)).lines == b"nonsense"


def test_records_know_their_lines(file: Callable[[bytes], Path]) -> None:
    block = only(file(b"a\n\nb\n\xff\n"))
    assert (list(block.numbers), block.blank, block.repaired) == ([1, 3, 4], 1, 1)


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        pytest.param(".gz", gzip.compress, id="gzip"),
        pytest.param(".bz2", bz2.compress, id="bzip2"),
        pytest.param(".xz", lzma.compress, id="xz"),
        pytest.param(".zst", zstandard.ZstdCompressor().compress, id="zstd"),
        pytest.param(".txt", gzip.compress, id="gzip under another name"),
    ],
)
def test_packed_files_are_unpacked(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"shop.log{suffix}"
    path.write_bytes(pack(b"a\nb\n") + pack(b"c\n"))
    records = taken(path)
    assert [record["message"] for record in records] == ["a", "b", "c"]
    assert records[0]["service"] == ("shop" if suffix != ".txt" else "shop.log")


def test_a_torn_archive_gives_what_it_has_and_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"line\n" * 100_000)[:-20])
    with pytest.raises(BadPayload, match=r"a\.gz: cannot be read beyond line"):
        taken(path)


def test_blocks_end_at_lines(file: Callable[[bytes], Path]) -> None:
    lines = [f'{{"n":{number},"pad":"{"x" * 500}"}}'.encode() for number in range(20_000)]
    found = list(blocks(path := file(b"\n".join(lines)), TEXT))
    assert len(found) > 1
    assert all(len(block.lines) <= BLOCK_BYTES for block in found)
    assert b"\n".join(block.lines for block in found).split(b"\n") == lines
    assert [number for block in found for number in block.numbers] == list(range(1, 20_001))
    assert found[-1].position == path.stat().st_size


def test_a_line_beyond_the_limit_is_refused_and_its_neighbours_kept(file: Callable[[bytes], Path]) -> None:
    found = list(blocks(file(b"a\n" + b"x" * (LINE_BYTES + 2 * BLOCK_BYTES) + b"\nb\n"), TEXT))
    assert [msgspec.json.decode(line)["message"] for block in found for line in block.lines.split(b"\n") if line] == [
        "a",
        "b",
    ]
    assert [(each.line, each.reason) for block in found for each in block.refused] == [(2, "longer than 16 MiB")]
    assert [number for block in found for number in block.numbers] == [1, 3]


@given(st.lists(st.binary(max_size=20) | st.sampled_from([b"{}", b'{"a":1}', b"\r", b"  ", b"\xff{}"])))
def test_any_bytes_come_through_complete_and_in_order(lines: list[bytes]) -> None:
    content = b"\n".join(lines)
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.log"
        path.write_bytes(content)
        records = taken(path)
    plain = [line.removesuffix(b"\r").decode(errors="replace") for line in content.split(b"\n")]
    plain[0] = plain[0].removeprefix("\ufeff")
    kept = [line for line in plain if line.encode().strip()]
    objects = {"{}": {}, '{"a":1}': {"a": 1}}
    assert [record.get("message", record) for record in records] == [objects.get(line, line) for line in kept]
