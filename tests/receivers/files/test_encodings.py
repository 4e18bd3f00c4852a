"""Files that are written otherwise than in UTF-8."""

from collections.abc import Callable
from pathlib import Path

import pytest

from logyard.errors import BadConfig
from logyard.receivers.tailing.encoding import check_encoding
from tests.receivers.files.conftest import Tailing, write
from tests.receivers.files.test_records import told

Make = Callable[..., Tailing]

JAPANESE = "2025-10-10 11:55:36 ERROR 在庫がありません ソ表十 <end>"


@pytest.mark.parametrize("encoding", ["shift_jis", "cp932", "euc_jp", "gb18030", "utf-16", "utf-16-be"])
def test_generic_encoding_shiftjis(home: Path, tailing: Make, encoding: str) -> None:
    """Characters whose second byte is a backslash; a record that waits keeps its place in the file's own bytes."""
    log, tail = home / "shop.log", tailing(encoding=check_encoding(encoding), block_bytes=256, max_line_bytes=1000)
    tail.understanding(multiline="auto")
    written = check_encoding(encoding)
    lines = [JAPANESE, " 続き", JAPANESE, " 十ソ"]
    log.write_bytes("".join(f"{line}\r\n" for line in lines).encode(written))
    tail.run()
    tail.crash()
    tail.start()
    with log.open("ab") as file:
        file.write(" 終\n".encode(written))
    tail.run()
    tail.run(final=True)
    message = JAPANESE.partition("ERROR ")[2]
    assert tail.records()["message"].to_list() == [f"{message}\n 続き", f"{message}\n 十ソ\n 終"]


@pytest.mark.parametrize("encoding", ["", "shift_jis", "euc_jp", "gb18030", "utf-16-le", "cp1252"])
@pytest.mark.parametrize("invalid", ["replace", "latin-1"])
def test_invalid_bytes_cost_no_line(home: Path, tailing: Make, encoding: str, invalid: str) -> None:
    tail = tailing(encoding=encoding, invalid=invalid)
    newline = "\n".encode(encoding or "utf-8")
    bad = b"\x8f" if abs(len(newline)) == 1 else b"\x00\xd8"
    lines = [f"line {number}".encode(encoding or "utf-8") + bad for number in range(5)]
    (home / "a.log").write_bytes(b"".join(line + newline for line in lines))
    tail.run()
    assert [line[:6] for line in tail.lines] == [f"line {number}" for number in range(5)]
    if invalid == "latin-1" and not encoding:
        assert tail.lines[0] == "line 0\x8f"


def test_windows_utf8_path(home: Path, tailing: Make) -> None:
    """Here: a path of other letters is named as it is, and its name is the service."""
    folder = home / "журнал"
    folder.mkdir()
    tail = tailing(include=[f"{home}/**/*.log"])
    tail.understanding()
    write(folder / "магазин 1.log", "готово")
    assert told(tail, "message", "service", "source") == [("готово", "магазин 1", f"{folder}/магазин 1.log")]


@pytest.mark.parametrize("name", ["nonsense", "base64", "utf-32", "cp037", "hz"])
def test_encodings_that_cannot_be_used_are_refused(name: str) -> None:
    with pytest.raises(BadConfig, match=name):
        check_encoding(name)
