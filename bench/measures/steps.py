"""The pipeline's heavy steps, each alone in this process: redaction with all rules, and the sidecar's shipped pipeline
on what the demo application writes. CPU time of all threads, which a busy machine disturbs least.
"""

import random
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import Final

import msgspec
import polars as pl

from bench.corpus import lines
from bench.report import Figure, at_least, figure
from bench.run import Run
from logyard.formats.json.settle import block, settled
from logyard.formats.lines.assemble import plain
from logyard.model.civil.customs import Customs
from logyard.model.reading import DEFAULT_READING
from logyard.pipeline.chain import Chain
from logyard.pipeline.steps.redact import Redact, RedactConfig
from logyard.types import Nanoseconds

__all__ = ["measure"]

_NAME: Final = "steps"
_LINES: Final = 50_000
_BLOCK: Final = 1 << 20
"""What the follower of files hands in at once."""
_NOW: Final = Nanoseconds(1_767_229_200_000_000_000)
_REDACTION_BOUND: Final = 30.0
_SIDECAR_BOUND: Final = 100_000.0
_AGENT: Final = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/117.0 Safari/537.36"
_SECRETS: Final = (
    " user=jane.doe@example.com", " password=hunter2secret", " card 4111 1111 1111 1111", " from 203.0.113.7",
    " Authorization: Bearer abcdefghijklmnop1234567890",
)  # fmt: skip


def measure(run: Run) -> Iterator[Figure]:
    """Redaction of two kinds of text, and the sidecar."""
    redact = Redact(RedactConfig(rules=("all",), columns=("message",)))
    for what, texts in (("an address in every line", _access()), ("a secret in every fiftieth line", _application())):
        frame = plain(pl.Series(texts), Customs(now=_NOW))
        size = float(frame["message"].str.len_bytes().sum())
        seconds = median(_cpu_seconds(lambda frame=frame: redact(frame)) for _ in range(2 + run.rounds))  # type: ignore[misc] # bound now
        yield figure(
            (_NAME, f"redaction, all rules, {what}"), size / seconds / 1e6, "MB/s a core", at_least(_REDACTION_BOUND)
        )
    yield from _sidecar(run)


def _sidecar(run: Run) -> Iterator[Figure]:
    """From the bytes of the files to the end of the pipeline."""
    logs = run.work / "demo"
    subprocess.run(
        [sys.executable, "-m", "logyard", "demo", "all", "--logs", logs, "--listen", "none", "--seed", "1",
         "--speed", "inf", "--start", "2026-01-01", "--for", "2h", "--quiet"],
        check=True,
    )  # fmt: skip
    chain = Chain.of([{"include": "sidecar"}])
    blocks = [each for path in sorted(logs.glob("*.log")) for each in _blocks(path)]
    records = sum(text.count(b"\n") for _, text in blocks)

    def process() -> None:
        for source, text in blocks:
            reading = DEFAULT_READING.given({"service": Path(source).stem, "source": source})
            body = block(text, msgspec.structs.replace(reading, kind="raw"))
            if body is not None:
                chain.apply(settled(body), _NOW)

    seconds = median(_cpu_seconds(process) for _ in range(2 + run.rounds))
    yield figure((_NAME, "the sidecar's pipeline"), records / seconds, "records/s a core", at_least(_SIDECAR_BOUND))
    yield figure((_NAME, "CPU a record"), seconds / records * 1e6, "us")


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
