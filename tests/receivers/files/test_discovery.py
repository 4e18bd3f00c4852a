"""Which files are found, when, and where reading begins."""

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


def test_a_file_that_cannot_be_opened_is_tried_again(
    home: Path, tailing: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """discovers_file_after_permissions_are_restored. Root may open anything: the refusal is made by hand."""
    from logyard.receivers.tailing import content, followed  # noqa: PLC0415 - to be told to refuse

    write(home / "a.log", "one")
    tail, real = tailing(), content.open_content

    def refuse(path: str) -> object:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(followed, "open_content", refuse)
    assert tail.run() == []
    assert [event.reason for event in tail.of(FileTrouble)] == ["Permission denied"]
    monkeypatch.setattr(followed, "open_content", real)
    assert tail.run(seconds=3) == ["one"]


def test_permissions_lost_mid_read(home: Path, tailing: Make) -> None:
    log, tail = home / "a.log", tailing()
    write(log, "one")
    tail.run()
    log.chmod(0)
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
