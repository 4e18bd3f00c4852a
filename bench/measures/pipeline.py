"""The same load through four steps that need fields. None of them drops a row: all of the work stays to be done."""

from collections.abc import Iterator
from typing import Final

from bench.measures.ingest import PIPELINE, figures, rounds
from bench.report import Figure
from bench.run import Run

__all__ = ["STEPS", "measure"]

STEPS: Final = r"""
[[pipeline]]
type = "drop"
where = 'level:DEBUG message:heartbeat'

[[pipeline]]
type = "keep"
where = 'metadata.status:>=100'

[[pipeline]]
type = "redact"
pattern = '\b\d{4}\b'

[[pipeline]]
type = "tag"
tags = ["money"]
where = 'service:=payments or service:=billing'
"""


def measure(run: Run) -> Iterator[Figure]:
    """As ``ingest``, its rounds and its figures."""
    config = run.work / "steps.toml"
    config.write_text(STEPS)
    yield from figures("pipeline", rounds(run, config, lambda _: None), PIPELINE)
