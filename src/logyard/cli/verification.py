"""``logyard generate --verify``: where generated records are read back from, and how what was found is shown."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import msgspec

from logyard.cli.intake import STDIN, Shape, blocks
from logyard.cli.remote import Patience, Remote, persist
from logyard.cli.ticker import Ticker, ticker
from logyard.demo.stamps import WORD, checked_stream
from logyard.demo.verifying import Findings, StreamFindings, Verifier
from logyard.errors import BadInput

__all__ = ["Source", "table", "verify"]

_MOST: Final = 10_000_000
"""Rows that the server gives at most."""
_PAGE: Final = 100_000
"""Records asked for at a time."""
_ANY: Final = f"position(message, '[{WORD} ') > 0"
_COLUMNS: Final = ("stream", "received", "last", "lost", "duplicated", "reordered", "split", "altered")


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What to verify."""

    url: str = ""
    """A server; "": files."""
    paths: Sequence[Path] = ()
    """None of them, and no server: stdin."""
    stream: str = ""
    """The only stream that counts; "": all."""
    expected: int = 0
    """Records of each stream; 0: nobody knows."""


class _Moment(msgspec.Struct, frozen=True):
    moment: int
    records: int


def verify(source: Source, *, quiet: bool) -> Findings:
    """Read everything and count. Raises ``LogyardError`` when something cannot be read."""
    verifier = Verifier(source.stream)
    with ticker("records verified", shown=not quiet) as counted:
        if source.url:
            _stored(source, verifier, counted)
        for path in source.paths or ([] if source.url else [STDIN]):
            _file(path, verifier, counted)
    return verifier.findings(source.expected)


def table(findings: Findings) -> str:
    """What was found, for people."""
    rows = [_COLUMNS, *map(_row, findings.streams)]
    widths = [max(len(row[place]) for row in rows) for place in range(len(_COLUMNS))]
    lines = [
        "  ".join(
            f"{row[0]:<{widths[0]}}" if not place else f"{row[place]:>{width}}" for place, width in enumerate(widths)
        )
        for row in rows
    ]
    notes = {
        "records without a stamp: other logs, or the beginnings of split ones": findings.unstamped,
        "pieces end within a stamp": findings.broken_stamps,
        "records arrived within another one": findings.joined,
    }
    lines += [f"{count:,} {what}" for what, count in notes.items() if count]
    if not any(stream.received for stream in findings.streams):
        lines.append(f"nothing was found: {findings.records:,} records looked at, none with a stamp that counts")
    return "\n".join([*lines, "ok" if findings.ok else "NOT OK"]) + "\n"


def _row(stream: StreamFindings) -> tuple[str, ...]:
    return (stream.stream, *(f"{getattr(stream, name):,}" for name in _COLUMNS[1:]))


def _file(path: Path, verifier: Verifier, counted: Ticker) -> None:
    try:
        for block in blocks(path, Shape()):
            verifier.take(block.lines.split(b"\n"))
            counted.add(len(block.numbers))
    except OSError as error:
        raise BadInput(f"cannot read {path}: {error.strerror}") from error


def _stored(source: Source, verifier: Verifier, counted: Ticker) -> None:
    """In the order of ids, which is the order in which the server took the records; page by page, so that neither it
    nor we hold many.
    """
    wanted = f"position(message, '[{WORD} {checked_stream(source.stream)} ') > 0" if source.stream else _ANY
    with Remote(source.url) as remote:
        for first, last in _pages(remote, wanted):
            found = _asked(
                remote,
                f"SELECT message FROM logs WHERE {wanted} "  # noqa: S608 - numbers, and a stream's checked name
                f"AND bitShiftRight(id, 22) BETWEEN {first} AND {last} ORDER BY id",
            )
            verifier.take(found)
            counted.add(len(found))


def _pages(remote: Remote, wanted: str) -> Iterator[tuple[int, int]]:
    """First and last millisecond, in ids, of some records at a time."""
    counts = (
        "SELECT bitShiftRight(id, 22) AS moment, count() AS records "  # noqa: S608 - a stream's checked name
        f"FROM logs WHERE {wanted} GROUP BY moment ORDER BY moment"
    )
    first, last, records = 0, 0, 0
    for line in _asked(remote, counts):
        moment = msgspec.json.decode(line, type=_Moment)
        if records + moment.records > _PAGE and records:
            yield first, last
            records = 0
        first = first if records else moment.moment
        last = moment.moment
        records += moment.records
    if records:
        yield first, last


def _asked(remote: Remote, sql: str) -> list[bytes]:
    """The rows of an answer, each as JSON. A server that is away for a while is waited for."""

    def ask() -> list[bytes]:
        parameters: dict[str, str | int] = {"query": sql, "format": "ndjson", "limit": _MOST}
        with remote.stream("/api/v1/sql", parameters) as pieces:
            return b"".join(pieces).splitlines()

    return persist(ask, Patience())
