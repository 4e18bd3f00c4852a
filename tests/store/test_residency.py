"""Code that ran once is let go of, and runs again."""

from pathlib import Path

import polars as pl
import pytest

from logyard.store.residency import let_go_of_code


def resident_kib(library: str) -> int:
    """Resident pages of the executable mappings of a library, by the kernel's own count."""
    total, inside = 0, False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        fields = line.split()
        if "-" in fields[0]:
            inside = len(fields) > 5 and library in fields[5] and fields[1] == "r-xp"
        elif inside and fields[0] == "Rss:":
            total += int(fields[1])
    return total


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="the kernel does not say what is resident")
def test_pages_of_code_go_and_come_back() -> None:
    library = "_polars_runtime"
    assert pl.Series([1, 2]).sum() == 3
    assert resident_kib(library) > 0
    assert let_go_of_code(library) > 0
    left = [resident_kib(library)]
    while left[-1] >= 1000 and len(left) < 100:  # other threads have touched some meanwhile
        let_go_of_code(library)
        left.append(resident_kib(library))
    assert left[-1] < 1000, left
    assert pl.Series([3, 4]).sum() == 7


def test_a_library_that_is_not_there_is_no_error() -> None:
    assert let_go_of_code("no such library") == 0
