"""Streams of lines against the records that are in them: joined automatically, without being told the format."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from bench.scoring.tally import Tally
from logyard.formats.multiline.gather import Gatherer
from logyard.formats.multiline.rules import JoinRules

__all__ = ["joined", "run"]


def run(case: Mapping[str, Any], tally: Tally) -> None:
    """One case of multiline/streams.jsonl."""
    lines, want = _lines(case), _records(case)
    got = joined(lines)
    wrong = [f"{g!r} {w!r}" for g, w in zip(got, want, strict=False) if g != w] or [f"{len(got)} {len(want)}"]
    tally.count("multiline", "multiline", right=got == want, miss=f"{case['id']} {case['format']} {wrong[0][:300]}")


def joined(lines: list[str]) -> list[str]:
    """All records of a source that ends."""
    gatherer = Gatherer(JoinRules(preset="auto"))
    return list(gatherer.gather(pl.Series(lines, dtype=pl.String), final=True).text)


def _lines(case: Mapping[str, Any]) -> list[str]:
    if "stream" in case:
        return str(case["stream"]).removesuffix("\n").split("\n")
    return [line.removesuffix("\n") for line in case["input_lines"]]


def _records(case: Mapping[str, Any]) -> list[str]:
    if "stream" not in case:
        return [record.removesuffix("\n") for record in case["expected_records"]]
    lines, starts = _lines(case), case["record_start_lines"]
    return ["\n".join(lines[begin:end]) for begin, end in zip(starts, [*starts[1:], len(lines)], strict=True)]
