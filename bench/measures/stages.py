"""What the single stations of the fast and the framed path cost, each alone, in this process, on one 4 MB batch."""

import time
import tomllib
import zlib
from collections.abc import Callable, Iterator
from itertools import islice
from statistics import median
from typing import Final

from bench.measures.pipeline import STEPS
from bench.report import Figure, figure
from bench.run import Run
from bench.segments import batches
from logyard.formats.json import lines as json_lines
from logyard.model.batch import Encoded
from logyard.pipeline.chain import Chain

__all__ = ["measure"]

_NAME: Final = "stages"
_TIMES: Final = 5


def measure(run: Run) -> Iterator[Figure]:
    """Wall time: Polars uses all cores, the rest one."""
    batch = next(islice(batches(run.corpus, run.pieces), 1))
    body = batch.body
    assert isinstance(body, Encoded)
    chain = Chain.of(tomllib.loads(STEPS)["pipeline"])
    stations: dict[str, Callable[[], object]] = {
        "validate": lambda: json_lines.validate(body.lines),
        "checksum": lambda: zlib.crc32(body.lines),
        "frame": lambda: json_lines.frame(body, batch.received),
        "frame and four steps": lambda: chain.apply(body, batch.received),
    }
    for what, station in stations.items():
        yield figure((_NAME, what), _seconds(station) / body.rows * 1e6, "us/row")


def _seconds(station: Callable[[], object]) -> float:
    taken = []
    for _ in range(_TIMES):
        started = time.perf_counter()
        station()
        taken.append(time.perf_counter() - started)
    return median(taken)
