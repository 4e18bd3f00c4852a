"""What these tests share: the command as a process, records to move, and a store's whole contents in a few numbers."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx
import msgspec

from logyard.cli.yard import open_yard

__all__ = ["contents", "fill", "logyard", "popen", "records", "rows_of", "sql"]

Contents = dict[str, tuple[int, int]]

_START = 1_795_132_800
"""2026-11-20T00:00:00Z."""
_DAY = 86_400


def popen(*arguments: str | Path, cwd: Path, variables: Mapping[str, str] | None = None) -> "subprocess.Popen[str]":
    """``logyard ARGUMENTS``, started."""
    return subprocess.Popen(
        [sys.executable, "-m", "logyard", *map(str, arguments)],
        cwd=cwd,
        env={**os.environ, **(variables or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def logyard(
    *arguments: str | Path, cwd: Path, code: int = 0, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """``logyard ARGUMENTS``, to its end, which must be ``code``."""
    with popen(*arguments, cwd=cwd, variables=variables) as process:
        out, err = process.communicate(timeout=300)
    assert process.returncode == code, f"{arguments} ended with {process.returncode}:\n{out}\n{err}"
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def records(first: int, count: int, *, days: int = 4) -> bytes:
    """Lines of JSON: several days, services and spellings, nested attributes, texts that need care."""
    lines = [
        msgspec.json.encode(
            {
                "time": _START + number % days * _DAY + number % 7000 + 0.123456789,
                "lvl": ("info", "WARN", "error")[number % 3],
                "app": f"shop-{number % 5}",
                "msg": f'wörd "{number}" \\ n',
                "n": number,
                "text": str(number),
                "nested": {"a": {"b": [number, None, {"c": True}]}, "d": ""},
                "trace_id": f"{number:032x}",
            }
        )
        for number in range(first, first + count)
    ]
    return b"\n".join(lines)


def fill(url: str, first: int, count: int, *, key: str = "") -> Any:
    """Send records; the answer."""
    headers = {"Content-Type": "application/x-ndjson"} | ({"Idempotency-Key": key} if key else {})
    answer = httpx.post(f"{url}/ingest", content=records(first, count), headers=headers, timeout=240)
    assert answer.is_success, answer.text
    return answer.json()


def contents(place: str | Path) -> Contents:
    """Rows and checksum over every column, by partition."""
    with open_yard(str(place)) as yard:
        held = yard.partitions()
        found: Contents = {}
        for extent in held.partitions:
            buckets = yard.buckets(extent, held.until)
            found[extent.name] = (
                sum(each.rows for each in buckets),
                sum(each.checksum for each in buckets) % (1 << 64),
            )
        return found


def rows_of(found: Contents) -> int:
    """In all partitions."""
    return sum(rows for rows, _ in found.values())


def sql(url: str, statement: str) -> Any:
    """The rows of an answer."""
    answer = httpx.get(f"{url}/api/v1/sql", params={"query": statement, "format": "json"}, timeout=240)
    assert answer.is_success, answer.text
    return answer.json()
