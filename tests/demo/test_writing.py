"""Log files: whole lines, rotation, and directories that cannot be written."""

from pathlib import Path

import pytest

from logyard.demo.writing import LogDirectory, RotatingFile
from logyard.errors import BadConfig


def contents(path: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in path.iterdir()}


@pytest.mark.parametrize(
    ("writes", "limit", "backups", "want"),
    [
        pytest.param([b"a\n", b"b\n"], 0, 1, {"x": b"a\nb\n"}, id="no limit"),
        pytest.param([b"aa\n", b"bb\n"], 6, 1, {"x": b"aa\nbb\n"}, id="just within"),
        pytest.param([b"aa\n", b"bbb\n"], 6, 1, {"x.1": b"aa\n", "x": b"bbb\n"}, id="just beyond"),
        pytest.param([b"a\n", b"b\n", b"c\n", b"d\n"], 2, 2, {"x.2": b"b\n", "x.1": b"c\n", "x": b"d\n"}, id="chain"),
        pytest.param([b"a\n", b"b\n"], 2, 0, {"x": b"b\n"}, id="no backups"),
        pytest.param(
            [b"long line\n", b"b\n"], 2, 1, {"x.1": b"long line\n", "x": b"b\n"}, id="a line beyond the limit"
        ),
        pytest.param([b"a\nb\nc\nd\n"], 4, 9, {"x.1": b"a\nb\n", "x": b"c\nd\n"}, id="one write over two files"),
    ],
)
def test_rotation(tmp_path: Path, *, writes: list[bytes], limit: int, backups: int, want: dict[str, bytes]) -> None:
    file = RotatingFile(tmp_path / "x", limit=limit, backups=backups)
    for lines in writes:
        file.write(lines)
    file.close()
    assert contents(tmp_path) == want


def test_a_file_goes_on_where_it_ended(tmp_path: Path) -> None:
    for line in (b"a\n", b"b\n", b"c\n"):
        file = RotatingFile(tmp_path / "x", limit=4)
        file.write(line)
        file.close()
    assert contents(tmp_path) == {"x.1": b"a\nb\n", "x": b"c\n"}


def test_a_directory_is_made(tmp_path: Path) -> None:
    with LogDirectory(tmp_path / "deep" / "er") as logs:
        logs.open("a.log").write(b"line\n")
    assert (tmp_path / "deep" / "er" / "a.log").read_bytes() == b"line\n"


def test_a_directory_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(BadConfig, match=f"--logs: cannot write logs into {path}: File exists"):
        LogDirectory(path)


def test_a_file_that_cannot_be_written_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "a.log").mkdir()
    with LogDirectory(tmp_path) as logs, pytest.raises(BadConfig, match="Is a directory"):
        logs.open("a.log")
