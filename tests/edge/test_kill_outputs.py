"""SIGKILL of the shipping process, again and again, with outputs of every kind that remembers: each line once in each.

``SHIP_KILLS`` says how often (6), ``SHIP_SEED`` repeats a run.
"""

import csv
import gzip
import io
import os
import random
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from logyard.testing.http_sink import Answer, HttpSink, Request
from logyard.testing.shipper import Shipper
from tests.edge.conftest import wait_until

KILLS = int(os.environ.get("SHIP_KILLS", "6"))
SEED = int(os.environ.get("SHIP_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)

pytestmark = pytest.mark.slow


class Writer:
    """Adds numbered lines to three logs until it is told to stop."""

    def __init__(self, home: Path) -> None:
        self.count = 0
        self._home = home
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        chance = random.Random(SEED)
        while not self._stop.wait(0.01):
            with (self._home / f"{chance.choice('abc')}.log").open("a") as file:
                for _ in range(chance.randint(1, 80)):
                    file.write(f"line {self.count} {'x' * chance.randint(0, 100)}\n")
                    self.count += 1


def messages(text: str) -> Iterator[str]:
    assert not text or text.endswith("\n"), text[-200:]
    return (msgspec.json.decode(line)["message"] for line in text.splitlines())


def in_jsonl(out: Path) -> Iterator[str]:
    return messages((out / "all.jsonl").read_text())


def in_csv(out: Path) -> Iterator[str]:
    return (row["message"] for row in csv.DictReader(io.StringIO((out / "all.csv").read_bytes().decode(), newline="")))


def in_files(out: Path) -> Iterator[str]:
    for path in (out / "rotated").iterdir():
        data = path.read_bytes() if path.suffix in {".gz", ".json"} else b""
        yield from messages((gzip.decompress(data) if path.suffix == ".gz" else data).decode())


def in_sqlite(out: Path) -> Iterator[str]:
    with sqlite3.connect(out / "all.sqlite") as connection:
        return iter([message for (message,) in connection.execute("SELECT message FROM logs")])


class Taker:
    """A server that knows the keys of requests, and is busy now and then."""

    def __init__(self) -> None:
        self.taken: dict[str, bytes] = {}
        self._chance = random.Random(SEED)

    def answer(self, request: Request) -> Answer:
        if self._chance.random() < 0.1:
            return Answer(503)
        self.taken[request.headers["idempotency-key"]] = request.body
        return Answer()

    def messages(self) -> Iterator[str]:
        for body in self.taken.values():
            yield from messages(body.decode())


def test_each_line_is_once_in_every_output(home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    moments = random.Random(SEED)
    taker = Taker()
    with HttpSink(taker.answer) as sink:
        config = tmp_path / "ship.toml"
        config.write_text(
            f'[[outputs]]\ntype = "jsonl"\npath = "{out}/all.jsonl"\n'
            f'[[outputs]]\ntype = "csv"\npath = "{out}/all.csv"\n'
            f'[[outputs]]\ntype = "sqlite"\npath = "{out}/all.sqlite"\n'
            f'[[outputs]]\ntype = "file"\npath = "{out}/rotated/all.json"\n'
            'rotation = { bytes = 60_000, compression = "gzip" }\n'
            f'[[outputs]]\ntype = "http"\nurl = "{sink.url}"\nbatch_rows = 50\n'
        )
        writer = Writer(home)
        shipper = Shipper(tmp_path / "state", [f"{home}/*.log", "--config", str(config)])
        try:
            for _ in range(KILLS):
                shipper.start()
                pause = threading.Event()
                pause.wait(moments.uniform(0.8, 2.5))  # the moment of the kill, not a condition
                shipper.kill()
            writer.stop()
            shipper.arguments = [*shipper.arguments, "--once"]
            shipper.start()
            wait_until(lambda: shipper.ended, shipper.output, seconds=240)
            assert shipper.wait() == 0
        finally:
            writer.stop()
            shipper.kill()
        found = {
            "jsonl": Counter(in_jsonl(out)),
            "csv": Counter(in_csv(out)),
            "sqlite": Counter(in_sqlite(out)),
            "file": Counter(in_files(out)),
            "http": Counter(taker.messages()),
        }
    for kind, lines in found.items():
        twice = [line for line, count in lines.items() if count > 1]
        assert (len(lines), twice) == (writer.count, []), f"{kind}, SHIP_SEED={SEED}: {shipper.output()[-2000:]}"
    assert len(list((out / "rotated").iterdir())) > 2
