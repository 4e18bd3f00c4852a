"""The corpus: JSON lines of about 270 bytes with nested metadata, the same for the same seed and number of rows.

One hour of twenty services on fifty hosts, times rising, one line in a hundred out of order by some milliseconds. Every
line has a trace id of its own: the worst case for disk and index. Kept under the temporary directory until somebody
removes it: ``logyard-bench/corpus-v<form>-s<seed>-r<rows>.ndjson``.
"""

import mmap
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

__all__ = ["FIRST_DAY", "HOUR", "WORDS", "Piece", "corpus", "lines", "pieces", "sample_values"]

FORM: Final = 1
"""Raised whenever the lines change, so that no old file is taken for a new one."""

FIRST_DAY: Final = "2026-01-15"
HOUR: Final = (f"{FIRST_DAY}T10:00:00Z", f"{FIRST_DAY}T11:00:00Z")
"""All lines lie in here; the end is exclusive."""

_MILLISECONDS: Final = 3_600_000
_CHUNK: Final = 50_000
_LEVELS: Final = {"DEBUG": 12, "INFO": 74, "WARNING": 9, "ERROR": 4.5, "CRITICAL": 0.5}
_STATUSES: Final = {200: 80, 201: 6, 204: 3, 301: 1, 400: 3, 401: 1, 404: 4, 500: 1.5, 503: 0.5}
_SERVICES: Final = (
    "checkout", "cart", "catalog", "search", "payments", "billing", "shipping", "inventory", "auth", "users",
    "gateway", "frontend", "mailer", "notifier", "recommender", "reviews", "pricing", "reports", "scheduler", "images",
)  # fmt: skip
_HOSTS: Final = tuple(f"web-{zone}{number:02d}" for zone in "abcde" for number in range(1, 11))
_REGIONS: Final = ("eu-1", "eu-2", "us-1", "us-2", "ap-1")
WORDS: Final = (
    "primary", "replica", "session", "invoice", "voucher", "parcel", "token", "thumbnail", "basket", "ledger",
    "address", "discount", "refund", "stock", "profile", "banner", "coupon", "digest", "webhook", "sitemap",
    "receipt", "warehouse", "currency", "locale", "upload", "export", "archive", "feature", "quota", "shard",
)  # fmt: skip
"""What the messages talk about, each as often as the others."""
_TEMPLATES: Final = (
    "%s handled after %d attempts",
    "cache miss for %s key %d",
    "%s %d updated by scheduler",
    "%s pool returned after %d ms",
    "user opened %s page %d",
    "timeout waiting for %s lock %d",
    "queued %s at offset %d",
    "retrying %s, backoff %d ms",
    "validated %s of %d bytes",
    "slow statement on %s, %d rows",
    "breaker for %s closed, %d probes",
    "published %s to partition %d",
    "%s import finished, %d records",
    "permission denied on %s %d",
    "probe of %s answered in %d us",
    "rate limit for %s reached: %d",
)
_PATHS: Final = ("/orders/%d", "/items/%d", "/users/%d/cart", "/search?page=%d", "/img/%d.webp")


class Piece(NamedTuple):
    """A run of whole lines of the file."""

    offset: int
    length: int
    rows: int


def corpus(rows: int, seed: int = 1) -> Path:
    """The file, made if it is not there yet (about 5 us a row)."""
    folder = Path(tempfile.gettempdir()) / "logyard-bench"
    folder.mkdir(exist_ok=True)
    path = folder / f"corpus-v{FORM}-s{seed}-r{rows}.ndjson"
    if path.exists():
        return path
    started = time.monotonic()
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        for chunk in lines(rows, seed):
            file.write(chunk)
    partial.rename(path)
    took = time.monotonic() - started
    print(f"corpus: {rows} rows, {path.stat().st_size >> 20} MiB, made in {took:.0f} s", file=sys.stderr)
    return path


def lines(rows: int, seed: int) -> Iterator[bytes]:
    """The corpus in chunks of whole lines, each with its LF."""
    dice = random.Random(seed)
    for start in range(0, rows, _CHUNK):
        yield _chunk(dice, range(start, min(rows, start + _CHUNK)), _MILLISECONDS / rows)


def _chunk(dice: random.Random, numbers: range, step: float) -> bytes:
    count = len(numbers)
    traces = dice.randbytes(16 * count).hex()
    levels = dice.choices(list(_LEVELS), list(_LEVELS.values()), k=count)
    statuses = dice.choices(list(_STATUSES), list(_STATUSES.values()), k=count)
    services = dice.choices(_SERVICES, range(30, 30 - len(_SERVICES), -1), k=count)
    texts = list(_messages(dice, count))
    paths = [
        path % number for path, number in zip(dice.choices(_PATHS, k=count), _numbers(dice, 9999, count), strict=True)
    ]
    columns = zip(
        numbers, levels, services, dice.choices(_HOSTS, k=count), texts, statuses,
        dice.choices(_REGIONS, k=count), paths, _numbers(dice, 99_999, count), strict=True,
    )  # fmt: skip
    made = []
    for at, (number, level, service, host, text, status, region, path, user) in enumerate(columns):
        # A repeatable wobble: late by up to 40 ms one time in a hundred.
        millisecond = max(0, int(number * step) - (user % 40 if user % 100 == 0 else 0))
        minute, rest = divmod(millisecond, 60_000)
        made.append(
            f'{{"timestamp":"{FIRST_DAY}T10:{minute:02d}:{rest // 1000:02d}.{rest % 1000:03d}Z","level":"{level}",'
            f'"service":"{service}","host":"{host}","message":"{text}","trace_id":"{traces[at * 32 : at * 32 + 32]}",'
            f'"metadata":{{"user_id":{user},"duration_ms":{user % 977 / 4},"status":{status},"region":"{region}",'
            f'"path":"{path}"}}}}\n'
        )
    return "".join(made).encode()


def _messages(dice: random.Random, count: int) -> Iterator[str]:
    columns = zip(
        dice.choices(_TEMPLATES, k=count), dice.choices(WORDS, k=count), _numbers(dice, 9999, count), strict=True
    )
    return (template % (word, number) for template, word, number in columns)


def _numbers(dice: random.Random, most: int, count: int) -> list[int]:
    """Small ones oftener than large ones, as in life."""
    draw = dice.random
    return [int(most * draw() * draw()) + 1 for _ in range(count)]


def pieces(path: Path, size: int) -> list[Piece]:
    """The file cut into runs of whole lines, each as long as fits into ``size`` bytes."""
    found = []
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        start = 0
        while start < len(data):
            end = len(data) if start + size >= len(data) else data.rfind(b"\n", start, start + size) + 1
            found.append(Piece(start, end - start, data[start:end].count(b"\n")))
            start = end
    return found


def sample_values(path: Path, key: str, count: int) -> list[str]:
    """The string under ``key`` of ``count`` lines spread over the file."""
    head = f'"{key}":"'.encode()
    values = []
    with path.open("rb") as file:
        size = path.stat().st_size
        for number in range(count):
            file.seek(size * number // count)
            if number:
                file.readline()
            line = file.readline()
            start = line.index(head) + len(head)
            values.append(line[start : line.index(b'"', start)].decode())
    return values
