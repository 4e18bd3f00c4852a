"""Real gunicorn: the application is loaded once, its workers are forked from there."""

import os
import re
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx
import pytest

from tests.handler.target import Target

SECONDS: Final = 120
LISTENING: Final = re.compile(r"Listening at: (http://127\.0\.0\.1:\d+)")


@contextmanager
def gunicorn(url: str, *options: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    command = [sys.executable, "-m", "gunicorn", "--bind", "127.0.0.1:0", "--log-level", "info", *options]
    environment = {**os.environ, "LOGYARD_URL": url}
    with subprocess.Popen(
        [*command, "tests.handler.web:app"], stderr=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        try:
            address = next(found[1] for found in map(LISTENING.search, process.stderr) if found)
            yield address, process
        finally:
            if process.poll() is None:
                process.terminate()
            process.communicate(timeout=SECONDS)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--workers", "3", "--preload"), id="loaded before the fork"),
        pytest.param(("--workers", "2"), id="loaded in each worker"),
        pytest.param(("--workers", "2", "--threads", "4", "--preload"), id="with threads"),
    ],
)
def test_every_request_is_logged_once(target: Target, options: tuple[str, ...]) -> None:
    paths = [f"/{number}" for number in range(60)]
    with gunicorn(target.url, *options) as (address, process):
        for path in paths:
            assert httpx.get(address + path, timeout=60).is_success
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    served = [record for record in target.records if record["message"].startswith("served")]
    assert Counter(record["message"] for record in served) == Counter(f"served {path}" for path in paths)
    assert process.pid not in {record["process"] for record in served}
    loaded = [record["process"] for record in target.records if record["message"] == "loaded"]
    assert len(loaded) == len(set(loaded))
