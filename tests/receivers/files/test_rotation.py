"""Rotation while it runs. Names are those of the collectors' own acceptance lists, where they have one."""

import gzip
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from logyard.receivers.tailing.events import BytesAbandoned
from logyard.receivers.tailing.naming import is_rotated_name, name_start
from tests.receivers.files.conftest import Tailing, write

Make = Callable[..., Tailing]


def test_follows_rename_rotation(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    assert tail.run() == ["one"]
    write(log, "two")
    log.rename(home / "app.log.1")
    write(log, "three")
    assert tail.run() == ["two", "three"]


def test_handles_multiple_rename_rotations(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing(include=[f"{home}/app.log*"])
    tail.run()
    for number in range(5):
        write(log, f"line {number}")
        for older in range(5, 0, -1):
            if (home / f"app.log.{older}").exists():
                (home / f"app.log.{older}").rename(home / f"app.log.{older + 1}")
        log.rename(home / "app.log.1")
    write(log, "last")
    assert sorted(tail.run()) == ["last", *(f"line {number}" for number in range(5))]


def test_handles_copytruncate_with_stale_writer(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    with log.open("ab", buffering=0) as writer:
        writer.write(b"one\n")
        assert tail.run() == ["one"]
        writer.write(b"two\n")
        shutil.copyfile(log, home / "app.log.1")
        os.truncate(log, 0)
        writer.write(b"three\n")
        assert tail.run() == ["two", "three"]


def test_a_writer_that_does_not_append_leaves_a_hole_and_its_line_is_read(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    with log.open("wb", buffering=0) as writer:
        writer.write(b"one\n" * 1000)
        assert len(tail.run()) == 1000
        os.truncate(log, 0)
        writer.write(b"two\n")
        assert log.stat().st_size == 4004
        assert tail.run() == ["two"]


def test_refilled_past_the_old_offset(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    assert tail.run() == ["one"]
    os.truncate(log, 0)
    write(log, "another", "and another")
    assert tail.run() == ["another", "and another"]


def test_refilled_to_the_very_same_size(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    os.truncate(log, 0)
    write(log, "two")
    assert tail.run() == ["two"]


def test_handles_symlink_target_rotation(home: Path, tailing: Make, tmp_path: Path) -> None:
    targets = tmp_path / "pods"
    targets.mkdir()
    link, tail = home / "app.log", tailing()
    write(targets / "0.log", "one")
    link.symlink_to(targets / "0.log")
    assert tail.run() == ["one"]
    write(targets / "0.log", "two")
    write(targets / "1.log", "three")
    link.unlink()
    link.symlink_to(targets / "1.log")
    assert tail.run() == ["two", "three"]
    write(targets / "1.log", "four")
    assert tail.run() == ["four"]


def test_rotate_wait_keeps_old_inode_then_purges_it(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing(rotate_wait=5.0)
    with log.open("ab", buffering=0) as writer:
        writer.write(b"one\n")
        tail.run()
        log.unlink()
        writer.write(b"two\n")
        assert tail.run() == ["two"]
        writer.write(b"three\n")
        assert tail.run(seconds=2) == ["three"]
        tail.run(seconds=4)
        assert len(tail.follower.files) == 1
        tail.run(seconds=6)
        assert tail.follower.files == []


def test_delete_and_recreate_same_path_is_reingested(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    assert tail.run() == ["one"]
    log.unlink()
    write(log, "one")
    assert tail.run() == ["one"]


def test_multi_file_rapid_rotation(home: Path, tailing: Make) -> None:
    tail = tailing(include=[f"{home}/*.log*"])
    want = []
    for turn in range(6):
        for name in "abc":
            log = home / f"{name}.log"
            lines = [f"{name}{turn}-{number}" for number in range(20)]
            want += lines
            write(log, *lines)
            if turn % 2:
                tail.round()
            log.rename(home / f"{name}.log.{turn}")
    tail.run()
    assert sorted(tail.lines) == sorted(want)


def test_two_live_files_with_the_same_first_kibibyte_stay_two(home: Path, tailing: Make) -> None:
    tail, head = tailing(), "h" * 2000
    for name in "ab":
        write(home / f"{name}.log", head, name)
    assert sorted(tail.run()) == ["a", "b", head, head]
    write(home / "a.log", "more of a")
    write(home / "b.log", "more of b")
    assert sorted(tail.run()) == ["more of a", "more of b"]


def test_a_file_of_one_short_line_is_read_at_once(home: Path, tailing: Make) -> None:
    tail = tailing()
    write(home / "a.log", "x")
    write(home / "b.log", "x")
    assert tail.run() == ["x", "x"]


def test_inode_reuse_while_down(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one of many lines")
    tail.run()
    tail.stop()
    log.unlink()
    other = home / "other.log"
    write(other, "a longer line than the one before it was")
    tail.start()
    # Whether the file system gives the number out again at once is its own affair: say that it did.
    known = tail.follower.files[0]
    known.known = type(known.known)(**{
        **{name: getattr(known.known, name) for name in known.known.__struct_fields__},
        "device": other.stat().st_dev, "inode": other.stat().st_ino,
    })  # fmt: skip
    assert tail.run() == ["a longer line than the one before it was"]


@pytest.mark.parametrize(
    "become",
    [
        pytest.param(lambda path: path.mkdir(), id="directory"),
        pytest.param(os.mkfifo, id="FIFO"),
        pytest.param(lambda path: path.symlink_to("/nowhere"), id="dangling symlink"),
    ],
)
def test_file_replaced_by(home: Path, tailing: Make, become: Callable[[Path], None]) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    write(log, "two")
    log.unlink()
    become(log)
    write(home / "b.log", "others go on")
    assert sorted(tail.run()) == ["others go on", "two"]


def test_rename_out_of_the_pattern_and_into_it(home: Path, tailing: Make) -> None:
    tail = tailing()
    write(home / "a.log", "one")
    write(home / "b.txt", "two")
    assert tail.run() == ["one"]
    write(home / "a.log", "three")
    (home / "a.log").rename(home / "a.txt")
    (home / "b.txt").rename(home / "b.log")
    assert sorted(tail.run()) == ["three", "two"]


def test_rotated_and_compressed_while_behind(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    assert tail.run() == ["one"]
    tail.stop()
    write(log, "two", "three")
    (home / "app.log.1.gz").write_bytes(gzip.compress(log.read_bytes()))
    log.unlink()
    write(log, "four")
    tail.start()
    assert sorted(tail.run()) == ["four", "three", "two"]


def test_a_file_that_is_being_compressed_is_waited_for(home: Path, tailing: Make) -> None:
    """Neither the half of it nor the moment at which it is whole is taken for a new file."""
    log, tail = home / "app.log", tailing(include=[f"{home}/*.log*"])
    lines = [f"{number} {os.urandom(20).hex()}" for number in range(500)]
    write(log, *lines)
    tail.run()
    log.rename(f"{log}.1")
    packed = gzip.compress(Path(f"{log}.1").read_bytes())
    written = home / "app.log.1.gz"
    for end in (10, len(packed) // 2, len(packed) - 4, len(packed)):
        written.write_bytes(packed[:end])
        tail.clock.jump((written.stat().st_mtime_ns - tail.clock.now()) / 1e9)
        tail.run()
    Path(f"{log}.1").unlink()
    tail.crash()
    tail.start()
    tail.run(seconds=2)
    tail.run(seconds=90)
    assert tail.lines == lines


def test_a_compressed_file_that_is_damaged_is_read_as_far_as_it_goes(home: Path, tailing: Make) -> None:
    """When it has not changed for a minute it will not be written on."""
    log, tail = home / "app.log", tailing(include=[f"{home}/*.log*"])
    lines = [f"{number} {os.urandom(20).hex()}" for number in range(500)]
    write(log, *lines[:20])
    tail.run()
    tail.stop()
    write(log, *lines[20:])
    packed = gzip.compress(log.read_bytes())
    (home / "app.log.1.gz").write_bytes(packed[: len(packed) // 2])
    log.unlink()
    tail.start()
    tail.clock.jump(((home / "app.log.1.gz").stat().st_mtime_ns - tail.clock.now()) / 1e9)
    tail.run(seconds=5)
    tail.run(seconds=90)
    assert tail.lines == lines[: len(tail.lines)]
    assert len(tail.lines) > 100


def test_what_cannot_be_read_any_more_is_counted(home: Path, tailing: Make) -> None:
    log, tail = home / "app.log", tailing()
    write(log, "one")
    tail.run()
    write(log, "two", "three")
    tail.follower.look()
    os.truncate(log, 0)
    tail.run()
    assert [(event.reason, event.bytes) for event in tail.of(BytesAbandoned)] == [("truncated", 10)]


@pytest.mark.parametrize("mode", ["", "copytruncate", "compress", "compress\ndelaycompress", "copytruncate\ncompress"])
@pytest.mark.parametrize("pattern", ["*.log", "*.log*"])
def test_logrotate_loses_nothing_and_doubles_nothing(home: Path, tailing: Make, mode: str, pattern: str) -> None:
    """The rotator that everybody has, six times over, with lines it has not let us read before each."""
    log, tail, want = home / "app.log", tailing(include=[f"{home}/{pattern}"]), []
    settings = home.parent / "logrotate.conf"
    settings.write_text(f"{home}/app.log {{\nsu root root\nrotate 20\nnocreate\n{mode}\n}}\n")
    settings.chmod(0o600)
    for turn in range(6):
        lines = [f"{turn}-{number} {'x' * 50}" for number in range(30)]
        write(log, *lines[:20])
        tail.run()
        write(log, *lines[20:])
        want += lines
        command = ["logrotate", "--force", "--state", f"{home.parent}/rotate.state", str(settings)]
        subprocess.run(command, check=True, capture_output=True, timeout=60)
        if turn % 2:
            tail.run()
            tail.crash()
            tail.start()
    tail.run()
    assert sorted(tail.lines) == sorted(want)


@pytest.mark.parametrize(
    ("path", "of", "want"),
    [
        ("/l/app.log.1", "/l/app.log", True),
        ("/l/app.log-20260101", "/l/app.log", True),
        ("/l/app-20260101.log", "/l/app.log", True),
        ("/l/app.log.2.gz", "/l/app.log", True),
        ("/l/app.log.2", "/l/app.log.1", True),
        ("/l/app.log.1.gz", "/l/app.log.1", True),
        ("/l/app.log", "/l/app.log", False),
        ("/l/app2.log", "/l/app.log", True),
        ("/l/apple.log", "/l/app.log", False),
        ("/l/app.log.1", "/other/app.log", False),
        ("/l/app.log.1.gz", "/l/app.log.1.gz", False),
        ("/l/b.log", "/l/a.log", False),
    ],
)
def test_names_that_rotation_gives(path: str, of: str, *, want: bool) -> None:
    assert is_rotated_name(path, of) is want
    assert path.startswith(name_start(of)) or not want
