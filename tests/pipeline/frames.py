"""Records as frames, and back, for the tests of steps."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import polars as pl

from logyard.formats.json.lines import validate
from logyard.model.batch import Encoded
from logyard.model.schema import FRAME
from logyard.pipeline.chain import Chain
from logyard.types import Nanoseconds

NOW = Nanoseconds(1_767_225_600_000_000_000)


def framed(*records: Mapping[str, Any]) -> pl.DataFrame:
    """As they would come in over HTTP."""
    encoded = validate(b"\n".join(msgspec.json.encode(record) for record in records)).encoded
    assert isinstance(encoded, Encoded)
    made = Chain.of([{"type": "drop", "where": "no-such-word-anywhere"}]).apply(encoded, NOW)
    assert isinstance(made, pl.DataFrame)
    return made


def run(records: Sequence[Mapping[str, Any]], *steps: Mapping[str, Any]) -> pl.DataFrame:
    """What a pipeline leaves of them."""
    left = Chain.of(steps).apply(framed(*records), NOW)
    assert isinstance(left, pl.DataFrame)
    assert left.schema == FRAME
    assert not sum(left.null_count().row(0))
    return left


def attributes(frame: pl.DataFrame) -> list[dict[str, Any]]:
    """Decoded."""
    return [json.loads(text) for text in frame["attributes"]]
