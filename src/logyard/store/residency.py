"""What a large library keeps in memory only because it was touched once.

Linux counts each page of a mapped file as resident from its first touch on, and maps its neighbours with it. An engine
of 550 MB runs through much of its code when it starts, and hardly through any of it again. Pages of code are never
written, so letting go of them loses nothing: what runs again is mapped again from the page cache.
"""

import ctypes
import sys
from pathlib import Path
from typing import Final

__all__ = ["let_go_of_code"]

_MAPS: Final = Path("/proc/self/maps")
_CODE: Final = "r-xp"
_MADV_DONTNEED: Final = 4


def let_go_of_code(library: str) -> int:
    """Unmap the resident pages of the executable mappings whose file has ``library`` in its name; their number.

    Only of mappings that cannot be written, so no data can be lost (madvise(2), MADV_DONTNEED). Does nothing where
    there is no ``/proc``.
    """
    if sys.platform != "linux" or not _MAPS.exists():
        return 0
    madvise = ctypes.CDLL(None).madvise
    madvise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    done = 0
    for line in _MAPS.read_text().splitlines():
        extent, permissions, *_, name = line.split(maxsplit=5)
        if permissions == _CODE and library in name.rpartition("/")[2]:
            start, end = (int(each, 16) for each in extent.split("-"))
            done += madvise(start, end - start, _MADV_DONTNEED) == 0
    return done
