"""The rules of docs/adr/0007-file-identity.md, one by one, asked of the decision itself: no disk, no rotator, any inode
number that is wanted.
"""

import pytest
from msgspec.structs import replace

from logyard.receivers.tailing.known import Known
from logyard.receivers.tailing.rotation import decide
from tests.receivers.files.imagined import Disk, File, copy, read, said, world

OLD = "old line 1\nold line 2\n"
MORE = OLD + "old line 3\n"
LONG = "long line\n" * 200
NEW = "new line 1\nnew line 2\nnew line 3\nnew line 4\n"


STILL_FOLLOWED = [
    pytest.param({"a.log": File(1, MORE)}, [], id="grown in its place"),
    pytest.param({"a.log.1": File(1, MORE)}, ["moved 1 a.log.1"], id="renamed"),
    pytest.param({"b.log": File(1, MORE)}, ["moved 1 b.log"], id="renamed to any name"),
    pytest.param(
        {"a.log.1": File(1, MORE), "a.log": File(2, NEW)}, ["moved 1 a.log.1", "found a.log"], id="and another begun"
    ),
    pytest.param({"a.log": File(2, OLD)}, ["lost 1", "found a.log"], id="deleted, and made again with the same lines"),
    pytest.param({"a.log": File(1, NEW)}, [], id="refilled beyond the offset: nobody has asked yet"),
    pytest.param({"a.log": File(1, "new\n")}, ["renewed 1 a.log", "lost 1 cut"], id="cut, and nowhere else"),
    pytest.param({"a.log": File(1, "")}, ["renewed 1 a.log", "lost 1 cut"], id="cut, and empty"),
    pytest.param({"a.log": File(1, OLD[:-1] + "\n\n")}, [], id="cut, and the same again: it cannot be told"),
    pytest.param(
        {"a.log": File(1, "new\n"), "a.log.1": File(2, MORE)},
        ["renewed 1 a.log", "continued 1 a.log.1"],
        id="copied and cut",
    ),
    pytest.param(
        {"a.log": File(1, NEW), "a.log.1": File(2, MORE)},
        ["renewed 1 a.log", "continued 1 a.log.1"],
        id="copied, cut and refilled beyond the offset: the copy raises the doubt",
    ),
    pytest.param(
        {"a.log": File(1, NEW), "a.log.1": File(2, NEW), "a.log.2.gz": File(3, MORE)},
        ["renewed 1 a.log", "continued 1 a.log.2.gz"],
        id="copied, cut, compressed, and the next lines copied as well: those wait for the next look",
    ),
    pytest.param(
        {"a.log": File(1, MORE), "a.log.1": File(2, MORE)}, ["copied 1 a.log.1"], id="copied, and not cut yet"
    ),
    pytest.param({"a.log": File(1, MORE), "a.log.1": File(2, OLD)}, ["copied 1 a.log.1"], id="copied by half"),
    pytest.param({"a.log": File(1, MORE), "a.log.1": File(2, "")}, [], id="a copy that is to be: it is waited for"),
    pytest.param({"a.log": File(1, MORE), "b.log": File(2, MORE)}, ["found b.log"], id="the same under a strange name"),
    pytest.param(
        {"a.log": File(1, MORE), "a.log.1": File(2, NEW)}, ["found a.log.1"], id="a rotated name, another content"
    ),
    pytest.param(
        {"a.log": File(1, MORE), "a.log.1.gz": File(2, MORE)}, ["copied 1 a.log.1.gz"], id="compressed beside it"
    ),
    pytest.param({"a.log": File(1, MORE), "a.log.1.gz": File(2, OLD, cannot_be_asked=True)}, [], id="being compressed"),
    pytest.param({"a.log.txt": File(1, MORE)}, ["continued 1 a.log.txt"], id="renamed out of the patterns"),
    pytest.param({}, ["lost 1"], id="deleted"),
]


@pytest.mark.parametrize(("disk", "want"), STILL_FOLLOWED)
def test_a_file_that_is_followed_and_closed(disk: Disk, want: list[str]) -> None:
    assert said(decide(world(disk, [read(OLD)]))) == want


HELD = [
    pytest.param({"adrift": File(1, MORE)}, ["away 1"], id="deleted, or out of sight: read by its descriptor"),
    pytest.param({"adrift": File(1, MORE), "a.log": File(2, OLD)}, ["away 1", "found a.log"], id="made again"),
    pytest.param({"adrift": File(1, "n\n")}, ["renewed 1 a.log", "lost 1 cut"], id="out of sight, and cut"),
    pytest.param(
        {"adrift": File(1, MORE), "a.log.1.gz": File(2, MORE)}, ["away 1", "copied 1 a.log.1.gz"], id="compressed"
    ),
    pytest.param({"b.log": File(1, "n\n")}, ["renewed 1 b.log", "lost 1 cut"], id="renamed and cut: the same file"),
]


@pytest.mark.parametrize(("disk", "want"), HELD)
def test_a_file_that_is_held(disk: Disk, want: list[str]) -> None:
    assert said(decide(world(disk, [read(MORE, len(OLD))], held=[1]))) == want


@pytest.mark.parametrize(
    ("disk", "want"),
    [
        pytest.param({"a.log": File(1, MORE)}, ["kept 1"], id="without reason"),
        pytest.param({"a.log": File(1, NEW)}, ["renewed 1 a.log", "lost 1 cut"], id="refilled"),
        pytest.param(
            {"a.log": File(1, NEW), "a.log.1.txt": File(2, MORE)},
            ["renewed 1 a.log", "lost 1 cut"],
            id="refilled, copied to a name that says nothing",
        ),
        pytest.param(
            {"a.log": File(1, NEW), "a.log.1.gz": File(2, MORE, cannot_be_asked=True)},
            ["renewed 1 a.log"],
            id="refilled, and perhaps in a file that is being compressed: it is waited for",
        ),
    ],
)
def test_a_file_that_is_doubtful(disk: Disk, want: list[str]) -> None:
    """A read has met other bytes than were there."""
    assert said(decide(world(disk, [read(OLD)], held=[1], doubtful=[1]))) == want


AFTER_A_RESTART = [
    pytest.param({"a.log": File(1, MORE)}, [], id="grown"),
    pytest.param({"a.log": File(1, NEW)}, ["renewed 1 a.log", "lost 1 cut"], id="cut and refilled"),
    pytest.param({"b.log": File(1, NEW)}, ["lost 1", "found b.log"], id="the number is another file's now"),
    pytest.param(
        {"b.log": File(1, NEW), "a.log.1": File(2, MORE)},
        ["continued 1 a.log.1", "found b.log"],
        id="the number is another's, the content is in another",
    ),
    pytest.param({"a.log": File(5, MORE, device=9)}, ["continued 1 a.log"], id="all numbers are others"),
    pytest.param({"a.log": File(1, MORE, device=9)}, ["continued 1 a.log"], id="the device has another number"),
    pytest.param(
        {"a.log": File(5, OLD + "x\n"), "a.log.1.gz": File(6, MORE)},
        ["continued 1 a.log.1.gz", "found a.log"],
        id="two carry it: what has been rotated is the older, and the other is read rather than left out",
    ),
    pytest.param(
        {"a.log": File(1, NEW), "a.log.1": File(2, NEW)},
        ["renewed 1 a.log", "lost 1 cut"],
        id="a copy of what is new: the next look tells",
    ),
    pytest.param(
        {"a.log": File(2, NEW), "a.log.1": File(1, NEW)},
        ["lost 1 cut", "found a.log"],
        id="a copy of what is new has got the number: the next look tells",
    ),
    pytest.param({"a.log": File(1, OLD, cannot_be_asked=True)}, [], id="it cannot be opened"),
    pytest.param(
        {"b.log.1.gz": File(1, NEW, cannot_be_asked=True)},
        [],
        id="a stranger has the number and is being compressed: it is not taken for the file",
    ),
    pytest.param(
        {"b.log.1.gz": File(1, NEW, cannot_be_asked=True), "a.log.1.gz": File(2, MORE)},
        ["continued 1 a.log.1.gz"],
        id="and what it was goes on",
    ),
]


@pytest.mark.parametrize(("disk", "want"), AFTER_A_RESTART)
def test_a_file_after_a_restart(disk: Disk, want: list[str]) -> None:
    assert said(decide(world(disk, [read(OLD)], fresh=[1]))) == want


@pytest.mark.parametrize(
    ("disk", "want"),
    [
        pytest.param({"a.log": File(1, "")}, [], id="as it was"),
        pytest.param({"a.log": File(1, NEW)}, ["renewed 1 a.log", "lost 1 cut"], id="written to"),
        pytest.param({"a.log.1": File(1, NEW)}, ["renewed 1 a.log.1", "lost 1 cut"], id="written to and renamed"),
        pytest.param({"b.log": File(1, NEW)}, ["lost 1", "found b.log"], id="a stranger has its number"),
    ],
)
def test_a_file_that_was_empty_before_a_restart(disk: Disk, want: list[str]) -> None:
    assert said(decide(world(disk, [read("")], fresh=[1]))) == want


ORIGINAL = read(MORE, len(OLD))
COPIES = [
    pytest.param(
        {"a.log": File(1, MORE), "a.log.1": File(2, MORE)}, [ORIGINAL, copy(MORE, 1)], [], id="nothing has happened"
    ),
    pytest.param(
        {"a.log": File(1, MORE + "4\n"), "a.log.1": File(2, MORE + "4\n")},
        [ORIGINAL, copy(MORE, 1)],
        ["lost 2 cut", "copied 1 a.log.1"],
        id="the copy is being written",
    ),
    pytest.param(
        {"a.log": File(1, "new\n"), "a.log.1": File(2, MORE)},
        [ORIGINAL, copy(MORE, 1)],
        ["renewed 1 a.log", "continued 1 a.log.1"],
        id="the original is cut: what is unread of it is in the copy",
    ),
    pytest.param(
        {"a.log": File(1, "new\n"), "a.log.2.gz": File(3, MORE)},
        [ORIGINAL, copy(MORE, 1)],
        ["renewed 1 a.log", "continued 1 a.log.2.gz", "lost 2"],
        id="and that is compressed: the original comes first",
    ),
    pytest.param(
        {"a.log": File(1, "new\n"), "a.log.1": File(2, OLD)},
        [read(MORE), copy(OLD, 1)],
        ["renewed 1 a.log", "lost 1 cut"],
        id="the original was read farther than the copy reaches",
    ),
    pytest.param(
        {"a.log": File(1, "new\n"), "a.log.1.gz": File(3, OLD)},
        [read(MORE), copy(OLD, 1)],
        ["renewed 1 a.log", "lost 1 cut", "continued 2 a.log.1.gz"],
        id="and that copy is compressed",
    ),
    pytest.param(
        {"a.log": File(1, "new\n"), "a.log.1": File(2, MORE)},
        [read(MORE + "line 4\n"), copy(OLD, 1)],
        ["renewed 1 a.log", "lost 1 cut", "lost 2 cut", "copied 1 a.log.1"],
        id="the copy was being written when the original was read beyond it",
    ),
    pytest.param(
        {"a.log": File(1, MORE), "a.log.1": File(2, OLD + "its own\n")},
        [ORIGINAL, copy(OLD, 1)],
        ["renewed 2 a.log.1", "lost 2 cut"],
        id="a copy that goes its own way never was one: read rather than left out",
    ),
    pytest.param(
        {"a.log": File(1, MORE), "a.log.1": File(2, NEW)},
        [ORIGINAL, copy(MORE, 1)],
        ["renewed 2 a.log.1", "lost 2 cut"],
        id="a new file has the number of the copy, and its name",
    ),
    pytest.param(
        {"a.log": File(1, MORE), "b.log": File(2, NEW)},
        [ORIGINAL, copy(MORE, 1)],
        ["lost 2", "found b.log"],
        id="a new file has the number of the copy",
    ),
    pytest.param(
        {"a.log.1": File(1, MORE), "a.log.2": File(2, MORE), "a.log.2.gz": File(3, MORE)},
        [ORIGINAL, copy(MORE, 1)],
        ["moved 1 a.log.1", "moved 2 a.log.2", "copied 1 a.log.2.gz"],
        id="the copies of a copy",
    ),
]


@pytest.mark.parametrize("fresh", [False, True], ids=["running", "after a restart"])
@pytest.mark.parametrize(("disk", "known", "want"), COPIES)
def test_copies(disk: Disk, known: list[Known], want: list[str], *, fresh: bool) -> None:
    found = said(decide(world(disk, known, fresh=[1, 2] if fresh else [], held=[] if fresh else [1, 2])))
    assert sorted(found) == sorted(want)


def test_a_writer_may_take_back_what_nobody_has_read() -> None:
    """A file that is shorter than it was has not been cut if it still carries all that was read."""
    known = read(LONG + "half a li", len(LONG))
    assert said(decide(world({"a.log": File(1, LONG)}, [known], held=[1]))) == []


GONE = replace(read(OLD, name="a.log.1"), gone=1, modified=5)


@pytest.mark.parametrize(
    ("gone", "disk", "want"),
    [
        pytest.param(GONE, {"a.log.1.gz": File(7, OLD)}, ["continued 1 a.log.1.gz"], id="compressed after that"),
        pytest.param(GONE, {"a.log.2": File(7, MORE)}, ["continued 1 a.log.2"], id="as it is, with more"),
        pytest.param(GONE, {"a.log.1": File(1, OLD, modified=5)}, ["continued 1 a.log.1"], id="unchanged"),
        pytest.param(GONE, {"a.log.1": File(1, OLD)}, ["found a.log.1"], id="made again: little speaks for it"),
        pytest.param(
            replace(read(LONG, name="a.log.1"), gone=1),
            {"a.log.1": File(7, LONG + "x\n")},
            ["continued 1 a.log.1"],
            id="made again: much speaks for it",
        ),
        pytest.param(GONE, {"a.log.1.gz": File(7, OLD, cannot_be_asked=True)}, [], id="being compressed"),
        pytest.param(GONE, {"b.log.1.gz": File(7, OLD)}, ["found b.log.1.gz"], id="a strange name"),
    ],
)
def test_a_content_that_was_given_up_and_comes_back(gone: Known, disk: Disk, want: list[str]) -> None:
    assert said(decide(world(disk, [gone]))) == want


def test_a_copy_that_has_got_the_number_and_the_name_of_what_was_rotated_before() -> None:
    """Its descriptor was not held, it is longer, and it lies where the other lay: nothing but the content can tell."""
    known = [read(OLD, name="a.log.1", serial=1, inode=1), read(NEW, serial=2, inode=2)]
    disk = {"a.log": File(2, NEW), "a.log.1": File(1, NEW), "a.log.2.gz": File(3, OLD)}
    want = ["continued 1 a.log.2.gz", "copied 2 a.log.1"]
    assert said(decide(world(disk, known))) == want


def test_of_two_contents_the_one_that_says_more_goes_on() -> None:
    """One is nothing but the first line of the other."""
    known = [read("old line 1\n", serial=1, inode=1), read(MORE, serial=2, inode=2, name="a.log.1")]
    disk = {"a.log.1.gz": File(3, MORE)}
    assert said(decide(world(disk, known, fresh=[1, 2]))) == ["continued 2 a.log.1.gz", "lost 1"]


def test_of_two_memories_of_one_file_one_remains() -> None:
    """As a crash may leave them: a mark brings back what had been dropped."""
    known = [replace(copy(MORE, 2, inode=1, serial=1), path="/l/a.log"), read(MORE, len(OLD), serial=2)]
    assert said(decide(world({"a.log": File(1, MORE)}, known, fresh=[1, 2]))) == ["lost 1"]


@pytest.mark.parametrize("names", [("a.log.1", "a.log.2"), ("a.log.2", "a.log.1")])
def test_two_new_files_that_are_equal_do_not_wait_for_each_other(names: tuple[str, str]) -> None:
    """Each has a name that may be made from the other's."""
    disk = {name: File(number, OLD) for number, name in enumerate(names, 1)}
    first = said(decide(world(disk, [])))
    assert len(first) == 1
    assert first[0] in {f"found {name}" for name in names}


def test_a_table_of_ten_thousand_is_decided_without_a_question() -> None:
    """Nothing has happened: nothing is asked, and nothing is said."""
    disk = {f"{number}.log": File(number, OLD, modified=-1) for number in range(10_000)}
    known = [read(OLD, name=f"{number}.log", inode=number, serial=number + 1) for number in range(10_000)]

    def never(*_: object) -> bool:
        raise AssertionError("somebody asked")

    quiet = world(disk, known)._replace(is_itself=never, carries=never, repeats=never)
    assert decide(quiet) == []
