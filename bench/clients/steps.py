"""The pipeline's heavy steps, each alone: redaction with all rules, and the sidecar's shipped pipeline on what the demo
application wrote. Prints CPU seconds, the median of some rounds, as JSON.

``python -m bench.clients.steps LOGS ROUNDS``
"""

import json
import random
import resource
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
import polars as pl

from bench.corpus import lines
from logyard.formats.json.settle import block, settled
from logyard.formats.lines.assemble import plain
from logyard.model.civil.customs import Customs
from logyard.model.reading import DEFAULT_READING
from logyard.pipeline.chain import Chain
from logyard.pipeline.steps.redact import Redact, RedactConfig
from logyard.types import Nanoseconds

__all__ = ["main"]

_LINES: Final = 50_000
_BLOCK: Final = 1 << 20
"""What the follower of files hands in at once when it is behind."""
_NOW: Final = Nanoseconds(1_767_229_200_000_000_000)
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/117.0 Safari/537.36"
_SECRETS: Final = (
    " user=jane.doe@example.com", " password=hunter2secret", " card 4111 1111 1111 1111", " from 203.0.113.7",
    " Authorization: Bearer abcdefghijklmnop1234567890",
)  # fmt: skip


def main() -> None:
    """Both, one after the other."""
    logs, rounds = Path(sys.argv[1]), int(sys.argv[2])
    found = {"address": _redaction(_access(), rounds), "secret": _redaction(_application(), rounds)}
    print(json.dumps({**found, "sidecar": _sidecar(logs, rounds)}))


def _redaction(texts: Sequence[str], rounds: int) -> dict[str, float]:
    redact = Redact(RedactConfig(rules=("all",), columns=("message",)))
    frame = plain(pl.Series(texts), Customs(now=_NOW))
    size = float(frame["message"].str.len_bytes().sum())
    return {"bytes": size, "seconds": _median(lambda: redact(frame), rounds)}


def _sidecar(logs: Path, rounds: int) -> dict[str, float]:
    """From the bytes of the files to the end of the pipeline."""
    chain = Chain.of([{"include": "sidecar"}])
    blocks = [each for path in sorted(logs.glob("*.log")) for each in _blocks(path)]

    def process() -> None:
        for source, text in blocks:
            reading = DEFAULT_READING.given({"service": Path(source).stem, "source": source})
            body = block(text, msgspec.structs.replace(reading, kind="raw"))
            if body is not None:
                chain.apply(settled(body), _NOW)

    return {"records": sum(text.count(b"\n") for _, text in blocks), "seconds": _median(process, rounds)}


def _median(work: Callable[[], object], rounds: int) -> float:
    work()  # expressions are compiled once
    return median(_cpu_seconds(work) for _ in range(2 + rounds))


def _blocks(path: Path) -> Iterator[tuple[str, bytes]]:
    """Whole lines, so many bytes at a time."""
    text = path.read_bytes()
    start = 0
    while start < len(text):
        end = text.rfind(b"\n", start, start + _BLOCK) + 1
        yield str(path), text[start:end]
        start = end


def _access() -> Sequence[str]:
    chance = random.Random(1)
    return [
        f"10.{chance.randrange(255)}.3.{number % 255} - - "
        f"[10/Oct/2023:13:{number // 6000:02d}:{number // 100 % 60:02d} "
        f'+0200] "GET /api/v1/items/{chance.randrange(99999)}?q=abc HTTP/1.1" {chance.choice((200, 404, 500))} '
        f'{chance.randrange(99999)} "https://example.com/page" "{_AGENT}"'
        for number in range(_LINES)
    ]


def _application() -> Sequence[str]:
    chance = random.Random(2)
    chunks = b"".join(lines(_LINES, 1))
    texts = [msgspec.json.decode(line)["message"] for line in chunks.splitlines()]
    return [
        f"2026-01-15 10:{number // 600 % 60:02d}:{number // 10 % 60:02d},{number % 1000:03d} INFO "
        f"[worker-{number % 8}] com.example.shop.Service - {text} trace_id={chance.getrandbits(64):016x}"
        + (chance.choice(_SECRETS) if chance.random() < 0.02 else "")
        for number, text in enumerate(texts)
    ]


def _cpu_seconds(work: Callable[[], object]) -> float:
    """User and system time of all threads of this process."""
    before = resource.getrusage(resource.RUSAGE_SELF)
    work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
