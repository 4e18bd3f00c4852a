"""Which files are found, when, and where reading begins."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from logyard.receivers.tailing.events import FileTrouble
from logyard.receivers.tailing.scan import Scanner, expand
from tests.receivers.files.conftest import Tailing, write

Make = Callable[..., Tailing]


def test_discovers_new_files_from_head(home: Path, tailing: Make) -> None:
    tail = tailing(read_from="tail")
    tail.run()
    write(home / "a.log", "before")
    assert tail.run() == ["before"]


def test_newly_discovered_files_can_start_from_tail(home: Path, tailing: Make) -> None:
    tail = tailing(new_files="tail")
    write(home / "a.log", "one")
    assert tail.run() == ["one"]
    write(home / "b.log", "old")
    assert tail.run() == []
    write(home / "b.log", "new")
    assert tail.run() == ["new"]


def test_existing_file_can_start_from_tail_on_startup(home: Path, tailing: Make) -> None:
    write(home / "a.log", "old")
    write(home / "a.log", "begu", end="")
    tail = tailing(read_from="tail")
    assert tail.run() == []
    write(home / "a.log", "n", "new")
    assert tail.run() == ["begun", "new"]


def test_exclude_path_skips_matching_files(home: Path, tailing: Make) -> None:
    for name in ("a.log", "debug-a.log", "sub/b.log"):
        (home / name).parent.mkdir(exist_ok=True)
        write(home / name, name)
    tail = tailing(include=[f"{home}/**/*.log"], exclude=["debug-*", f"{home}/sub/*"])
    assert tail.run() == ["a.log"]


def test_ignore_older_skips_stale_files(home: Path, tailing: Make) -> None:
    write(home / "a.log", "stale")
    write(home / "b.log", "fresh")
    tail = tailing(ignore_older=3600)
    now = tail.clock.now() // 10**9
    os.utime(home / "a.log", (now - 7200, now - 7200))
    os.utime(home / "b.log", (now - 60, now - 60))
    assert tail.run() == ["fresh"]


def test_ignore_active_older_files_resumes_updated_file(home: Path, tailing: Make) -> None:
    write(home / "a.log", "stale")
    tail = tailing(ignore_older=3600)
    now = tail.clock.now() // 10**9
    os.utime(home / "a.log", (now - 7200, now - 7200))
    assert tail.run() == []
    write(home / "a.log", "updated")
    os.utime(home / "a.log", (now, now))
    assert tail.run() == ["stale", "updated"]


def test_oldest_first(home: Path, tailing: Make) -> None:
    for age, name in ((30, "c"), (20, "a"), (10, "b")):
        write(home / f"{name}.log", name)
        os.utime(home / f"{name}.log", (1_000_000 - age, 1_000_000 - age))
    assert tailing().run() == ["c", "a", "b"]


def test_discovers_file_after_permissions_are_restored(home: Path, tailing: Make) -> None:
    """Root may open anything: the refusal is made by hand."""
    tail = tailing()
    write(home / "a.log", "one")
    tail.files.refuse(f"{home}/a.log", errno.EACCES)
    assert tail.run() == []
    assert [event.reason for event in tail.of(FileTrouble)] == ["Permission denied"]
    tail.files.allow(f"{home}/a.log")
    assert tail.run(seconds=3) == ["one"]


@pytest.mark.parametrize("rotate", [False, True], ids=["in its place", "and renamed"])
def test_permissions_lost_mid_read(home: Path, tailing: Make, *, rotate: bool) -> None:
    """What is open is read on; what is not, when it may be again."""
    log, tail = home / "a.log", tailing(include=[f"{home}/*.log*"])
    write(log, "one")
    tail.run()
    tail.restart()
    tail.files.refuse(f"{log}", errno.EACCES)
    write(log, "two")
    assert tail.run() == []
    tail.files.allow(f"{log}")
    if rotate:
        log.rename(f"{log}.1")
        write(log, "three")
    assert tail.run(seconds=3) == (["two", "three"] if rotate else ["two"])
    tail.files.refuse(f"{log}", errno.EACCES)
    write(log, "four")
    assert tail.run() == ["four"]


def test_nfs_stale_handle(home: Path, tailing: Make) -> None:
    """Every handle is stale at once, of a file that is still there, of one that is renamed, and of one that is gone."""
    tail = tailing(include=[f"{home}/*.log*"])
    for name in "abc":
        write(home / f"{name}.log", f"{name} one")
    tail.run()
    for name in "abc":
        write(home / f"{name}.log", f"{name} two")
    (home / "b.log").rename(home / "b.log.1")
    (home / "c.log").unlink()
    tail.files.fail(errno.ESTALE)
    tail.run()
    tail.run(seconds=3)
    assert sorted(tail.lines[3:]) == ["a two", "b two"]
    write(home / "a.log", "a three")
    assert tail.run() == ["a three"]


def test_a_handle_that_is_stale_amid_a_round_is_opened_again(home: Path, tailing: Make) -> None:
    tail = tailing(block_bytes=16)
    write(home / "a.log", *(f"line {number:05}" for number in range(100)))
    tail.follower.look()
    assert tail.round()
    tail.files.fail(errno.ESTALE)
    assert not tail.round()
    assert [event.reason for event in tail.of(FileTrouble)] == ["Stale file handle"]
    tail.run(seconds=3)
    assert tail.lines == [f"line {number:05}" for number in range(100)]


def test_a_directory_that_is_away_for_a_while(home: Path, tailing: Make) -> None:
    """As when a file system is unmounted and mounted again: what comes back unchanged is not read again."""
    tail = tailing(open_files=1)
    want = [f"{number}: {'x' * 1500}" for number in range(5)]
    for number, line in enumerate(want):
        write(home / f"{number}.log", line)
    assert sorted(tail.run()) == want
    tail.restart()
    away = home.rename(home.parent / "away")
    tail.run()
    away.rename(home)
    assert tail.run() == []
    write(home / "3.log", "more")
    assert tail.run() == ["more"]


@pytest.mark.parametrize("seconds", [-40 * 86400, 40 * 86400, -3600], ids=["back", "ahead", "an hour back"])
def test_clock_jump(home: Path, tailing: Make, seconds: float) -> None:
    """What is followed goes on; what has been given up is remembered, or at least nothing else suffers."""
    log, tail = home / "app.log", tailing(rotate_wait=5.0, flush_idle=30.0)
    write(log, "one")
    write(log, "par", end="")
    tail.run()
    log.rename(home / "app.log.1")
    write(log, "two")
    assert tail.run() == ["two"]
    tail.clock.jump(seconds)
    assert tail.run() == []
    with (home / "app.log.1").open("a") as late:
        late.write("tial\n")
    assert tail.run() == ["partial"]
    write(log, "three")
    assert tail.run() == ["three"]
    tail.run(seconds=6)
    assert [file.known.path for file in tail.follower.files] == [f"{log}"]
    tail.restart()
    assert tail.run() == []


def test_ten_thousand_files(home: Path, tailing: Make) -> None:
    """Each is read once; a look at which nothing has changed opens none, not even the first after a restart."""
    tail = tailing(open_files=2000)
    for number in range(10_000):
        (home / f"{number}.log").write_text(f"{number}\n")
    assert len(tail.run()) == 10_000
    assert len(set(tail.lines)) == 10_000
    opened = tail.files.opened
    tail.run()
    assert tail.files.opened == opened
    tail.restart()
    assert tail.run() == []
    assert tail.files.opened == opened
    write(home / "77.log", "more")
    assert tail.run() == ["more"]


def test_windows_utf8_path(home: Path, tailing: Make) -> None:
    tail, log = tailing(), home / "журнал ü 日本.log"
    write(log, "one")
    assert tail.run() == ["one"]
    assert tail.sources == [f"{log}"]
    tail.crash()
    tail.start()
    log.rename(f"{log}.1")
    write(log, "two")
    assert tail.run() == ["two"]


def test_more_files_than_descriptors(home: Path, tailing: Make) -> None:
    tail = tailing(open_files=5)
    for turn in range(3):
        for number in range(40):
            write(home / f"{number}.log", f"{number}-{turn}")
        tail.run()
        assert sum(file.content is not None for file in tail.follower.files) <= 5
    assert len(set(tail.lines)) == len(tail.lines) == 120


def test_a_busy_file_does_not_starve_the_others(home: Path, tailing: Make) -> None:
    tail = tailing(block_bytes=1000, round_bytes=1500)
    write(home / "busy.log", *["x" * 50] * 1000)
    for number in range(10):
        write(home / f"{number}.log", str(number))
    tail.follower.look()
    for _ in range(12):
        tail.round()
    assert {str(number) for number in range(10)} <= set(tail.lines)


def test_delete_after(home: Path, tailing: Make) -> None:
    tail = tailing(delete_after=10.0)
    write(home / "a.log", "one")
    tail.run()
    tail.run(seconds=5)
    assert (home / "a.log").exists()
    tail.run(seconds=11)
    assert not (home / "a.log").exists()


@pytest.mark.parametrize(
    ("pattern", "want"),
    [
        ("*.log", ["a.log", "b.log"]),
        ("{a,b}.log", ["a.log", "b.log"]),
        ("**/*.log", ["a.log", "b.log", "d/c.log", "d/e/f.log"]),
        ("d/**", ["d/c.log", "d/e/f.log", "d/x.txt"]),
        ("*/*.log", ["d/c.log"]),
        ("[ab].log", ["a.log", "b.log"]),
        ("?.log", ["a.log", "b.log"]),
        (".*.log", [".hidden.log"]),
        ("a.log", ["a.log"]),
        ("", ["a.log", "b.log", "d/c.log", "d/e/f.log"]),
    ],
)
def test_patterns(home: Path, pattern: str, want: list[str]) -> None:
    for name in ("a.log", "b.log", ".hidden.log", "d/c.log", "d/x.txt", "d/e/f.log"):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        write(home / name, name)
    scanner = Scanner([f"{home}/{pattern}"])
    found = sorted(os.path.relpath(seen.path, home) for seen in scanner.scan().files)
    assert found == want


def test_braces() -> None:
    assert expand("/{a,b{c,d}}/x") == ["/a/x", "/bc/x", "/bd/x"]
