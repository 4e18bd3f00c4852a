"""Several logs as one: by time, within a window, without holding back a lone one."""

import math
import threading

from logyard.cli.log_lines import LogLine
from logyard.cli.log_merge import Merge, Said


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def lines(source: int, *times: int) -> Said:
    return Said(source, lines=[LogLine(time, source, 1, b"") for time in times])


def over(source: int) -> Said:
    return Said(source, over=True)


def merged(*said: Said, logs: int = 2) -> list[int]:
    """The times of all lines, in the order in which they come out, of logs that end."""
    merge = Merge(Hand(), window=math.inf)
    for source in range(logs):
        merge.open(source)
    for one in said:
        merge.put(one)
    return [line.time for batch in merge.batches() if not isinstance(batch, Said) for line in batch]


def test_logs_that_end_are_merged_exactly() -> None:
    assert merged(lines(1, 2, 4), over(1), lines(0, 1, 3, 5), over(0)) == [1, 2, 3, 4, 5]
    assert merged(lines(0, 5), lines(1, 1), lines(1, 9), over(1), lines(0, 6), over(0)) == [1, 5, 6, 9]


def test_a_log_alone_waits_for_nobody() -> None:
    merge = Merge(Hand())
    merge.open(0)
    merge.put(lines(0, 7))
    assert [line.time for line in next(merge.batches())] == [7]  # type: ignore[union-attr]  # these are lines


def test_a_silent_log_holds_back_for_the_window_only() -> None:
    clock = Hand()
    merge = Merge(clock, window=0.2)
    merge.open(0)
    merge.open(1)
    merge.put(lines(0, 7))
    batches = merge.batches()
    threading.Timer(0.05, lambda: setattr(clock, "now", 1.0)).start()
    assert [line.time for line in next(batches)] == [7]  # type: ignore[union-attr]  # these are lines


def test_words_and_errors_come_through_and_end_a_log() -> None:
    merge = Merge(Hand(), window=math.inf)
    merge.open(0)
    merge.open(1)
    failed = ValueError("x")
    for said in (Said(0, words="hello"), Said(0, error=failed), lines(1, 3), over(1)):
        merge.put(said)
    out = list(merge.batches())
    assert [said.words for said in out if isinstance(said, Said)] == ["hello", ""]
    assert [said.error for said in out if isinstance(said, Said)] == [None, failed]
    assert [line.time for batch in out if not isinstance(batch, Said) for line in batch] == [3]
