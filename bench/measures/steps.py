"""The pipeline's heavy steps, each alone on one thread: CPU time, which a busy machine disturbs least."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

from bench.report import Figure, at_least, figure
from bench.run import Run, child

__all__ = ["measure"]

_NAME: Final = "steps"
_REDACTION_BOUND: Final = 30.0
_SIDECAR_BOUND: Final = 100_000.0


def measure(run: Run) -> Iterator[Figure]:
    """Redaction of two kinds of text, and the sidecar's pipeline on two hours of the demo's output."""
    logs = run.work / "demo"
    subprocess.run(
        [sys.executable, "-m", "logyard", "demo", "all", "--logs", logs, "--listen", "none", "--seed", "1",
         "--speed", "inf", "--start", "2026-01-01", "--for", "2h", "--quiet"],
        check=True,
    )  # fmt: skip
    found = child("bench.clients.steps", logs, run.rounds, variables={"POLARS_MAX_THREADS": "1"})
    for what, name in (("an address in every line", "address"), ("a secret in every fiftieth line", "secret")):
        rate = found[name]["bytes"] / found[name]["seconds"] / 1e6
        yield figure((_NAME, f"redaction, all rules, {what}"), rate, "MB/s a core", at_least(_REDACTION_BOUND))
    sidecar = found["sidecar"]
    rate = sidecar["records"] / sidecar["seconds"]
    yield figure((_NAME, "the sidecar's pipeline"), rate, "records/s a core", at_least(_SIDECAR_BOUND))
    yield figure((_NAME, "CPU a record"), sidecar["seconds"] / sidecar["records"] * 1e6, "us")
