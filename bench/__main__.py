"""``python -m bench``: measure a real Logyard against what it promises. docs/benchmarks.md says how to read it."""

import argparse
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

from bench.corpus import corpus
from bench.measures import (
    cluster,
    collect,
    containers,
    feed,
    formats,
    forward,
    handler,
    ingest,
    pipeline,
    queries,
    singles,
    stages,
    startup,
    steps,
    tail,
)
from bench.report import Figure, as_json, table
from bench.run import Run

__all__ = ["main"]

MEASURES: Final[Mapping[str, Callable[[Run], Iterator[Figure]]]] = {
    "ingest": ingest.measure,
    "queries": queries.measure,
    "start": startup.measure,
    "pipeline": pipeline.measure,
    "singles": singles.measure,
    "tail": tail.measure,
    "stages": stages.measure,
    "handler": handler.measure,
    "cluster": cluster.measure,
    "containers": containers.measure,
    "formats": formats.measure,
    "steps": steps.measure,
    "collect": collect.measure,
    "forward": forward.measure,
    "feed": feed.measure,
}
"""In the order in which they run: ingest leaves its data to queries and start."""


def main() -> int:
    """0 unless something broke; a missed bound is told, it is no failure."""
    asked = _arguments()
    work = Path(tempfile.mkdtemp(prefix="logyard-bench-run-", dir=asked.work))
    about: dict[str, object] = {"rows": asked.rows, "rounds": asked.rounds, "cores": os.cpu_count()}
    figures: list[Figure] = []
    broken: dict[str, str] = {}
    started = time.monotonic()
    try:
        run = Run(corpus(asked.rows, asked.seed), work, rounds=asked.rounds)
        for name in asked.only or MEASURES:
            print(f"{name} ...", file=sys.stderr, flush=True)
            try:
                figures.extend(MEASURES[name](run))
            except Exception as error:  # noqa: BLE001 - the other measures still have something to say
                traceback.print_exc()
                broken[name] = repr(error)
    finally:
        if asked.keep:
            print(f"kept: {work}", file=sys.stderr)
        else:
            shutil.rmtree(work, ignore_errors=True)
    about |= {"seconds": round(time.monotonic() - started), "load_average": os.getloadavg()[0]}
    print(table(figures))
    for name, reason in broken.items():
        print(f"BROKEN {name}: {reason}")
    print(as_json(figures, about, broken))
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--rows", type=int, default=2_000_000, help="lines of the corpus (2000000); 200000 for a quick look"
    )
    parser.add_argument(
        "--rounds", type=int, default=3, help="rounds of ingest and pipeline; the median is reported (3)"
    )
    parser.add_argument(
        "--only", action="append", choices=list(MEASURES), help="this measure; may be given several times"
    )
    parser.add_argument("--seed", type=int, default=1, help="of the corpus (1)")
    parser.add_argument(
        "--work", type=Path, default=None, help="where the servers' data goes (the temporary directory)"
    )
    parser.add_argument("--keep", action="store_true", help="leave the servers' data and logs there")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
