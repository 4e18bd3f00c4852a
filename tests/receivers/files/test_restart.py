"""What is remembered over stops and crashes, and what happens to files meanwhile."""

import gzip
import os
import shutil
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from logyard.errors import Corrupt
from logyard.receivers.tailing.checkpoints import decode, encode
from logyard.receivers.tailing.known import Known
from tests.receivers.files.conftest import Tailing, write

Make = Callable[..., Tailing]


def test_restart_resumes_from_db_offset(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    tail.restart()
    write(log, "two")
    assert tail.run() == ["two"]


def test_kill_before_the_checkpoint_is_written_doubles_nothing(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    assert not (tail.state / "checkpoints").exists()
    tail.crash()
    tail.start()
    assert tail.run() == []
    write(log, "two")
    assert tail.run() == ["two"]


def test_file_start_position_server_restart_acknowledged(home: Path, tailing: Make) -> None:
    """What was taken before a crash is not handed in again, what was written meanwhile is."""
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    write(log, "two")
    tail.crash()
    tail.start()
    assert tail.run() == ["two"]


def test_file_start_position_server_restart_unfinalized(home: Path, tailing: Make) -> None:
    """What was read and not taken before a crash is handed in again."""
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    write(log, "two")
    tail.follower.look()
    assert [delivery.rows for delivery in tail.follower.gather()] == [1]
    tail.crash()
    tail.start()
    assert tail.run() == ["two"]


def test_file_duplicate_processing_after_restart(home: Path, tailing: Make) -> None:
    """Some files, some restarts of both kinds, each line once."""
    tail, want = tailing(), []
    for turn in range(6):
        for name in "abc":
            lines = [f"{name} {turn} {number}" for number in range(20)]
            write(home / f"{name}.log", *lines)
            want += lines
        tail.follower.look()
        tail.round()
        if turn % 2:
            tail.crash()
            tail.start()
        else:
            tail.restart()
    tail.run()
    assert sorted(tail.lines) == sorted(want)


def test_copytruncate_across_restart_reads_new_content_only(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one", "two")
    tail.run()
    tail.stop()
    shutil.copyfile(log, home / "app.log.1")
    os.truncate(log, 0)
    write(log, "x")
    tail.start()
    assert tail.run() == ["x"]


@pytest.mark.parametrize("refill", ["x", "a line that is longer than all that was there before"], ids=["less", "more"])
def test_copytruncate_while_down_reads_what_was_left_in_the_copy(home: Path, tailing: Make, refill: str) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    tail.stop()
    write(log, "two")
    shutil.copyfile(log, home / "app.log.1")
    os.truncate(log, 0)
    write(log, refill)
    tail.start()
    assert sorted(tail.run()) == sorted([refill, "two"])


def test_partial_line_across_restart_is_completed_once(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    write(log, "tw", end="")
    assert tail.run() == ["one"]
    tail.restart()
    assert tail.run() == []
    write(log, "o")
    assert tail.run() == ["two"]


def test_db_compare_filename_replays_renamed_file_after_restart(home: Path, tailing: Make) -> None:
    """Ours does not: a renamed file is the same file. Its new lines are read, its old ones are not."""
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    tail.stop()
    log.rename(home / "renamed.log")
    write(home / "renamed.log", "two")
    tail.start()
    assert tail.run() == ["two"]


def test_file_start_position_server_restart_with_file_rotation(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    tail.stop()
    write(log, "two")
    log.rename(home / "app.log.1")
    write(log, "three")
    tail.start()
    assert sorted(tail.run()) == ["three", "two"]


def test_other_device_numbers_after_a_restart_are_no_other_files(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    tail.stop()
    copy = log.read_bytes()
    (home / "app.log.tmp").write_bytes(copy)
    (home / "app.log.tmp").rename(log)
    write(log, "two")
    tail.start()
    assert tail.run() == ["two"]


def test_plain_then_compressed_goes_on_where_it_was(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing(include=[f"{home}/*.log*"])
    write(log, *(f"line {number}" for number in range(100)))
    tail.run()
    write(log, "left")
    tail.stop()
    (home / "app.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    tail.start()
    assert tail.run() == ["left"]


def test_db_schema_upgrade_is_automatic() -> None:
    """Fields that a later version adds have defaults; fields that are not known are passed over."""
    old = Known(serial=1, version=1, path="/a", device=1, inode=2, offset=3)
    body = encode([old]).partition(b"\n")[2]
    newer = body.replace(b'"serial"', b'"added":true,"serial"')
    text = b"logyard checkpoints 1 %08x\n" % zlib.crc32(newer) + newer
    assert decode(text) == [old]


def test_a_compressed_file_that_is_smaller_than_its_offset_is_read_on_after_a_restart(
    home: Path, tailing: Make
) -> None:
    log, tail = home / "app.log", tailing(include=[f"{home}/*.log*"])
    write(log, *(f"{number} {'x' * 200}" for number in range(20)))
    tail.run()
    write(log, "left")
    tail.restart()
    (home / "app.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    tail.follower.look()
    tail.restart()
    assert tail.run() == ["left"]


def test_copies_that_an_older_version_remembered_are_not_read(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing(include=[f"{home}/*.log*"])
    write(log, "one", "two")
    tail.run()
    shutil.copyfile(log, home / "app.log.1")
    assert tail.run() == []
    os.truncate(log, 0)
    tail.run()
    tail.stop()
    path = tail.state / "checkpoints"
    old = [replace(known, seal="", modified=0) for known in decode(path.read_bytes())]
    path.write_bytes(encode(old))
    tail.start()
    assert tail.run() == []


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"nonsense\n", id="nonsense"),
        pytest.param(encode([]).replace(b" 1 ", b" 2 "), id="newer version"),
        pytest.param(encode([Known(serial=1, version=1, path="/a", device=1, inode=2)])[:-3], id="cut"),
    ],
)
def test_checkpoints_that_cannot_be_believed_are_refused(text: bytes) -> None:
    with pytest.raises(Corrupt):
        decode(text)


numbers = st.integers(0, 2**53)


@given(
    st.lists(
        st.builds(Known, serial=numbers, version=numbers, path=st.text(), device=numbers, inode=numbers, offset=numbers)
    )
)
def test_checkpoints_are_read_as_they_were_written(known: list[Known]) -> None:
    assert decode(encode(known)) == known
