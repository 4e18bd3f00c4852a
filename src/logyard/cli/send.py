"""``logyard send``: files and stdin into the store."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.intake import STDIN, Block, Refusal, Shape, SourceFormat, blocks
from logyard.cli.options import DEFAULT_URL, UrlOption, application
from logyard.cli.remote import Patience, Remote
from logyard.cli.shipment import Report, Shipment, Tally
from logyard.cli.terminal import is_terminal, without_controls

__all__ = ["app"]


def send(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="PATH", help="Files to send, in this order; - is stdin, as are none behind a pipe."),
    ] = None,
    *,
    url: UrlOption = DEFAULT_URL,
    source_format: Annotated[
        SourceFormat,
        typer.Option("--format", help="auto: JSON objects as they are, every other line as plain text."),
    ] = SourceFormat.AUTO,
    service: Annotated[str, typer.Option("--service", help="Service of records that name none.")] = "",
    field: Annotated[
        list[str] | None,
        typer.Option("--field", metavar="KEY=VALUE", help="Put on every record that lacks the key."),
    ] = None,
    parallel: Annotated[
        int,
        typer.Option("--parallel", min=1, max=16, help="Blocks under way at once; beyond 1, order may be lost."),
    ] = 1,
    retry_for: Annotated[
        float,
        typer.Option("--retry-for", min=0, metavar="SECONDS", help="How long to try again when it fails."),
    ] = 60.0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Send files, or what comes on stdin, and return when all of it is durable.

    A line that is a JSON object is sent as it is; every other line becomes the message of a record whose
    source is the path and whose service is the file's name without its ending. gzip, zstd, bzip2 and xz are
    recognized. Nothing is stored twice, also when a block has to be sent again. Exits with 1 when a line was
    rejected.
    """
    paths = paths or _piped()
    _readable(paths)
    shape = Shape(format=source_format, service=service, fields=dict(map(_pair, field or [])))
    begun = time.monotonic()
    with Remote(url) as remote, _progress(paths, shown=not quiet and is_terminal(sys.stderr)) as report:
        everything = (block for path in paths for block in blocks(path, shape))
        shipment = Shipment(remote, Patience(seconds=retry_for), parallel=parallel)
        tally = shipment.send(everything, report)
    if tally.rejected or not quiet:
        sys.stderr.write(_summary(tally, time.monotonic() - begun))
    if tally.rejected:
        raise typer.Exit(1)


app = application(send)


def _piped() -> list[Path]:
    """Nobody wants to type a log on a terminal."""
    if sys.stdin.isatty():
        raise typer.BadParameter("name the files to send, or pipe something in", param_hint="PATH")
    return [STDIN]


def _readable(paths: Sequence[Path]) -> None:
    """Better to say it before anything is sent."""
    for path in paths:
        if path == STDIN:
            continue
        if path.is_dir():
            raise typer.BadParameter(f"{path} is a directory", param_hint="PATH")
        try:
            path.open("rb").close()
        except OSError as error:
            raise typer.BadParameter(f"cannot read {path}: {error.strerror}", param_hint="PATH") from error


def _pair(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found or not key:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--field")
    return key, value


def _summary(tally: Tally, seconds: float) -> str:
    rate = tally.stored / seconds if seconds > 0 else 0.0
    extras = [
        f"{tally.rejected:,} rejected" if tally.rejected else "",
        f"{tally.blank:,} blank lines skipped" if tally.blank else "",
        f"{tally.repaired:,} lines were not UTF-8 (U+FFFD stands for what could not be read)" if tally.repaired else "",
    ]
    head = f"{tally.stored:,} records stored in {seconds:.1f} s ({rate:,.0f}/s)"
    lines = [", ".join([head, *filter(None, extras)]), *map(_refusal, tally.refusals)]
    if tally.rejected > len(tally.refusals) > 0:
        lines.append(f"  ... and {tally.rejected - len(tally.refusals):,} more")
    return "\n".join(lines) + "\n"


def _refusal(refusal: Refusal) -> str:
    return without_controls(f"  {refusal.source}:{refusal.line}: {refusal.reason}")


@contextmanager
def _progress(paths: Sequence[Path], *, shown: bool) -> Iterator[Report]:
    """A bar on stderr: how much of the files has been read, rows a second, rejected."""
    if not shown:
        yield lambda _block, _tally: None
        return
    from rich.console import Console  # noqa: PLC0415 - start-up time: no bar, no Rich
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn  # noqa: PLC0415 - start-up time

    sizes = [0 if path == STDIN else path.stat().st_size for path in paths]
    columns = (BarColumn(), DownloadColumn(), TextColumn("{task.fields[said]}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("send", total=sum(sizes) if STDIN not in paths else None, said="")
        positions: dict[str, int] = {}
        begun = time.monotonic()

        def report(block: Block, tally: Tally) -> None:
            positions[block.source] = block.position
            rate = tally.stored / max(time.monotonic() - begun, 0.001)
            said = f"{tally.stored:,} rows  {rate:,.0f}/s  {tally.rejected:,} rejected"
            bar.update(task, completed=sum(positions.values()), said=said)

        yield report
