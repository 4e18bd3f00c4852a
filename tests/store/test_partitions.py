"""Slices of a partition: a pure plan."""

import pytest

from logyard.store.partitions import Bucket, Limits, Slice, plan

LIMITS = Limits(rows=100, bytes=1000)


def bucket(number: int, rows: int, size: int = 0) -> Bucket:
    return Bucket(number=number, rows=rows, checksum=number, bytes=size)


@pytest.mark.parametrize(
    ("found", "wanted", "want"),
    [
        pytest.param([], {1}, [], id="nothing"),
        pytest.param([bucket(1, 5)], set(), [], id="nothing is wanted"),
        pytest.param(
            [bucket(1, 40), bucket(9, 60)], {1, 9}, [Slice(first=1, last=9, rows=100)], id="small ones together"
        ),
        pytest.param(
            [bucket(1, 40), bucket(2, 61)],
            {1, 2},
            [Slice(first=1, last=1, rows=40), Slice(first=2, last=2, rows=61)],
            id="cut at the limit of rows",
        ),
        pytest.param(
            [bucket(1, 4, 600), bucket(2, 6, 600)],
            {1, 2},
            [Slice(first=1, last=1, rows=4), Slice(first=2, last=2, rows=6)],
            id="cut at the limit of bytes",
        ),
        pytest.param(
            [bucket(1, 1), bucket(2, 1), bucket(3, 1)],
            {1, 3},
            [Slice(first=1, last=1, rows=1), Slice(first=3, last=3, rows=1)],
            id="never over one that is not wanted",
        ),
        pytest.param(
            [bucket(1, 250)],
            {1},
            [Slice(first=1, last=1, part=part, parts=3, rows=rows) for part, rows in enumerate((84, 83, 83))],
            id="a large one in parts",
        ),
    ],
)
def test_plan(found: list[Bucket], wanted: set[int], want: list[Slice]) -> None:
    assert list(plan(found, wanted, LIMITS)) == want
