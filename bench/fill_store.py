"""A process of its own: the corpus into a store without a server, ``COPIES`` times, each copy a day earlier.

``python -m bench.fill_store CORPUS DATA COPIES`` leaves in DATA what ``logyard up --data DATA`` finds, and prints the
number of rows.
"""

import sys
from pathlib import Path

from bench.corpus import FIRST_DAY, pieces
from bench.segments import batches, write_segment
from logyard.ports import Parcel
from logyard.store.embedded import EmbeddedStore

__all__ = ["main"]

_SEGMENT = 32 << 20


def main() -> None:
    corpus, data, copies = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    store = EmbeddedStore(data / "store")
    segment = data / "segment"
    month, last = FIRST_DAY[:8], int(FIRST_DAY[8:])
    for copy in range(copies):
        day = (FIRST_DAY.encode(), f"{month}{last - copy:02d}".encode())
        for number, batch in enumerate(batches(corpus, pieces(corpus, _SEGMENT), replaced=day)):
            write_segment(segment, [batch])
            store.insert(Parcel(token=f"fill/{copy}/{number}", path=segment, batches=[batch]))
    print(store.stats().rows, flush=True)
    segment.unlink()
    store.close()


if __name__ == "__main__":
    main()
