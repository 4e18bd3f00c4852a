"""What an output costs: the same files collected onto nothing but the log's own way on, and onto other systems.

The same million lines go, in turn, from a ``logyard ship`` of one core: onto a sink by the protocol of Logyard itself
(the collector's own speed, for lines stay the bytes they are), by the output ``http``, by ``http`` beside a destination
that is away, and into a file. Speeds are lines a CPU second of the shipping process, its start left out: what else runs
does not count.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Final

from bench import machine
from bench.measures import collect
from bench.report import Figure, at_least, figure
from bench.run import Run, progress

__all__ = ["measure"]

_NAME: Final = "forward"
_FILES: Final = 10
_LINES: Final = 100_000
_START_SECONDS: Final = 4


def measure(run: Run) -> Iterator[Figure]:
    """Ratios, the medians of the rounds."""
    found: dict[str, list[float]] = {}
    for number in range(run.rounds):
        for kind, speed in _round(run, number):
            found.setdefault(kind, []).append(speed)
            progress(f"{kind}: {speed:,.0f} lines a CPU second")
    own, http = found["own"], found["http"]

    def ratio(kind: str, other: list[float]) -> float:
        return median(speed / against for speed, against in zip(found[kind], other, strict=True))

    yield figure((_NAME, "lines a CPU second, onto a Logyard"), median(own), "1/s")
    yield figure((_NAME, "http, lines as they came, against that"), ratio("http", own), "", at_least(0.8))
    yield figure((_NAME, "the same beside one that is away"), ratio("away", http), "", at_least(0.9))
    yield figure((_NAME, "http, with what is known of each, against the collector's own"), ratio("objects", own), "")
    yield figure((_NAME, "jsonl as sent, against the collector's own"), ratio("sent", own), "")
    yield figure((_NAME, "jsonl canonical, against the collector's own"), ratio("canonical", own), "")


def _round(run: Run, number: int) -> Iterator[tuple[str, float]]:
    home = collect.home(run, f"forward-{number}")
    for file in range(_FILES):
        with (home / f"app{file}.away").open("w") as log:
            log.writelines(collect.line(index) for index in range(_LINES))
    with collect.sink(home) as port:
        url = f"http://127.0.0.1:{port}"
        away = _output("http", "away", 'url = "http://127.0.0.1:1"')
        http = _output("http", "http", f'url = "{url}"\nformat = "text"')
        objects = _output("http", "objects", f'url = "{url}"')
        own = _output("logyard", "own", f'url = "{url}"')
        kinds = {"own": own, "http": http, "away": away + http, "objects": objects}
        before = 0
        for kind, config in kinds.items():
            yield kind, _speed(home, kind, config, lambda before=before: collect.count(port)["lines"] - before)  # type: ignore[misc] # bound now
            before = collect.count(port)["lines"]
    for form in ("sent", "canonical"):
        path = home.parent / f"{form}.jsonl"
        config = _output("jsonl", form, f'path = "{path}"\nrecords = "{form}"')
        yield form, _speed(home, form, config, lambda path=path: _lines(path))  # type: ignore[misc] # bound now


def _speed(home: Path, kind: str, config: str, arrived: "collect.Count") -> float:
    file = home.parent / f"{kind}.toml"
    file.write_text(config)
    total = _FILES * _LINES
    with collect.shipping(home, ["--config", str(file), "--state", str(home.parent / f"state-{kind}")]) as pid:
        time.sleep(_START_SECONDS)
        before, deadline = machine.cpu_seconds(pid), time.monotonic() + collect.PATIENCE
        for path in home.glob("*.away"):
            path.rename(path.with_suffix(".log"))
        while (found := arrived()) < total:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{found} of {total} lines came within {collect.PATIENCE:g} s by {kind}")
            time.sleep(0.05)
        speed = total / (machine.cpu_seconds(pid) - before)
    for path in home.glob("*.log"):
        path.rename(path.with_suffix(".away"))
    return speed


def _lines(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 22), b""))


def _output(kind: str, name: str, settings: str) -> str:
    return f'[[outputs]]\ntype = "{kind}"\nname = "{name}"\n{settings}\n'
