"""Lines that make one record, wherever reading stops and whatever happens to the file meanwhile."""

import gzip
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from logyard.formats.multiline.rules import JoinRules
from tests.receivers.files.conftest import Tailing, write
from tests.receivers.files.test_records import HEAD, TIME, TRACE, told

Make = Callable[..., Tailing]


@pytest.mark.parametrize("multiline", ["auto", "python", "java,python"])
def test_multiline_mode_combines_stacktrace(home: Path, tailing: Make, multiline: str) -> None:
    tail = tailing(block_bytes=130, max_line_bytes=1000)
    tail.understanding(multiline=multiline)
    write(home / "shop.log", "ready", *TRACE, "ready again", "and again")
    tail.run(final=True)
    assert tail.records()["message"].to_list() == ["ready", "\n".join(TRACE), "ready again", "and again"]


def test_the_parts_of_a_chained_trace_stay_together_wherever_reading_stops(home: Path, tailing: Make) -> None:
    """An empty line belongs to the trace or does not: what comes after it says which."""
    tail = tailing()
    tail.understanding(multiline="python", format="plain")
    chained = [*TRACE, "", "During handling of the above exception, another exception occurred:", "", *TRACE]
    for line in ["ready", *chained, "ready again", "and again"]:
        write(home / "shop.log", line)
        tail.run(seconds=0.1)
    tail.run(final=True)
    assert tail.records()["message"].to_list() == ["ready", "\n".join(chained), "ready again", "and again"]


@pytest.mark.parametrize("what", ["restart", "crash", "rename", "crash and rename"])
def test_multi_line_checkpointing(home: Path, tailing: Make, what: str) -> None:
    """A record that is not complete is not behind the checkpoint: it is read again, and nothing else is."""
    log, tail = home / "shop.log", tailing()
    tail.understanding(multiline="auto")
    write(log, HEAD.replace("failed", "begun"), HEAD, *TRACE[:2])
    assert told(tail, "message") == [("request begun",)]
    if what == "restart":
        tail.restart()
    if what.startswith("crash"):
        tail.crash()
        tail.start()
    if what.endswith("rename"):
        log.rename(home / "shop.log.1")
    write(log, TRACE[2], HEAD.replace("failed", "done"))
    tail.run()
    tail.run(final=True)
    assert tail.records()["message"].to_list() == [
        "request begun",
        "\n".join(["request failed", *TRACE]),
        "request done",
    ]


def test_a_record_that_may_go_on_is_waited_for_and_then_taken(home: Path, tailing: Make) -> None:
    tail = tailing(hold_seconds=5.0)
    tail.understanding(multiline="auto")
    write(home / "shop.log", HEAD, *TRACE)
    assert told(tail, "message") == []
    tail.clock.advance(6)
    assert told(tail, "message") == [("\n".join(["request failed", *TRACE]),)]
    write(home / "shop.log", HEAD)
    tail.run()
    tail.run(final=True)
    assert tail.records().height == 2


def test_the_last_line_without_its_end_belongs_to_the_record(home: Path, tailing: Make) -> None:
    tail = tailing()
    tail.understanding(multiline="auto")
    (home / "shop.log").write_text("\n".join([HEAD, *TRACE]))
    tail.run(final=True)
    assert tail.records()["message"].to_list() == ["\n".join(["request failed", *TRACE])]


def test_a_record_over_the_end_of_a_block_is_one_also_at_the_end(home: Path, tailing: Make) -> None:
    tail = tailing(block_bytes=4096, max_line_bytes=8192)
    tail.understanding(multiline="auto")
    records = [
        "\n".join([f"{HEAD} {number}", *[f"    line {line}" for line in range(number % 7)]]) for number in range(400)
    ]
    (home / "shop.log").write_text("\n".join(records) + "\n")
    tail.run(final=True)
    want = [record.partition("ERROR ")[2] for record in records]
    assert tail.records()["message"].to_list() == want


@pytest.mark.parametrize("ending", ["", "\n"])
def test_gzipped_file(home: Path, tailing: Make, ending: str) -> None:
    """Several members, one of which ends amid a record."""
    tail = tailing(include=[f"{home}/*"], hold_seconds=5.0)
    tail.understanding(multiline="auto")
    first, second = "\n".join([HEAD, TRACE[0], ""]), "\n".join([*TRACE[1:], HEAD])
    (home / "shop.log.gz").write_bytes(gzip.compress(first.encode()) + gzip.compress((second + ending).encode()))
    tail.run()
    tail.run(seconds=6)
    assert tail.records()["message"].to_list() == ["\n".join(["request failed", *TRACE]), "request failed"]
    tail.restart()
    assert tail.run(seconds=6) == []


def test_a_record_without_an_end_holds_nobody_up(home: Path, tailing: Make) -> None:
    """Neither one of several lines nor one in parts, and no line is lost."""
    tail = tailing()
    tail.understanding(multiline=JoinRules(mode="continue_through", pattern="^ ", max_lines=10_000))
    lines = ["begin", *[f" {number} {'x' * 200}" for number in range(8000)]]
    write(home / "a.log", *lines)
    tail.run()
    text = "\n".join(tail.records()["message"])
    assert text == "\n".join(lines[: text.count("\n") + 1])
    assert len(text) > 1 << 20


def test_parts_without_an_end_hold_nobody_up(home: Path, tailing: Make) -> None:
    tail = tailing()
    tail.understanding()
    part = f"{TIME} stdout P {'x' * 16000}"
    write(home / "a.log", *[part] * 200)
    tail.run()
    assert sum(tail.records()["message"].str.len_bytes()) > 2 << 20


def test_a_long_line_amid_a_record_ends_it(home: Path, tailing: Make) -> None:
    tail = tailing(max_line_bytes=100, block_bytes=2000)
    tail.understanding(multiline="auto")
    write(home / "a.log", HEAD, " more", " " + "x" * 300, HEAD, HEAD)
    for _ in range(3):
        write(home / "a.log", HEAD)
        tail.run(seconds=0.1)
    messages = tail.records()["message"].to_list()
    assert messages[:2] == ["request failed\n more", " " + "x" * 99]
    assert len(messages) >= 6


def test_streams_of_a_container_are_joined_each_by_itself(home: Path, tailing: Make) -> None:
    tail = tailing()
    tail.understanding(multiline="auto")
    lines: list[str] = []
    for number, line in enumerate([HEAD, *TRACE, HEAD]):
        lines += [f"{TIME} stderr F {line}", f"{TIME} stdout F out {number}"]
    write(home / "c.log", *lines)
    tail.run(final=True)
    assert tail.records().filter(pl.col("level") == "ERROR")["message"].to_list() == [
        "\n".join(["request failed", *TRACE]),
        "request failed",
    ]
    assert tail.records().filter(pl.col("level") == "")["message"].to_list() == [f"out {number}" for number in range(5)]
