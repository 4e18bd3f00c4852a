"""Generated records to where they are wanted: stdout, a rotating file, or a server."""

import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import typer

from logyard.cli.intake import Block
from logyard.cli.output import write_bytes
from logyard.cli.remote import Patience, Remote
from logyard.cli.shipment import Shipment, Tally
from logyard.cli.terminal import is_terminal
from logyard.cli.ticker import ticker
from logyard.demo.generating import Batch, Order, batches
from logyard.demo.layouts import LAYOUTS
from logyard.demo.pace import Pace
from logyard.demo.writing import RotatingFile
from logyard.errors import BadConfig, LogyardError

__all__ = ["Destination", "Rotation", "deliver"]


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """What a command line says about a file."""

    file: Path | None
    limit: int | None
    """Bytes; None: the usual."""
    backups: int


class Destination(msgspec.Struct, frozen=True, kw_only=True):
    """Where records go: to the server at ``url``, else into the file, else to stdout."""

    url: str
    rotation: Rotation
    quiet: bool


def deliver(order: Order, pace: Pace, destination: Destination) -> None:
    """Return when the order is filled, or the pace stopped, and all that was made has arrived."""
    file = destination.rotation.file
    if destination.url and (file is not None or order.layout != "json"):
        raise typer.BadParameter("takes JSON, and no --file beside it", param_hint="--to")
    began = time.monotonic()
    printed = not destination.url and file is None
    if destination.url:
        said = _send(batches(order, pace), order, destination)
    elif file is not None:
        said = _append(batches(order, pace), order, destination)
    else:
        said = _print(batches(order, pace), order)
    if not destination.quiet and not (printed and not is_terminal(sys.stderr)):
        seconds = time.monotonic() - began
        sys.stderr.write(f"stream {order.stream}: {said:,} records in {seconds:.1f} s ({said / seconds:,.0f}/s)\n")


def _print(made: Iterator[Batch], order: Order) -> int:
    write_bytes(LAYOUTS[order.layout].header.encode())
    count = 0
    for batch in made:
        write_bytes(batch.lines)
        count += batch.count
    return count


def _append(made: Iterator[Batch], order: Order, destination: Destination) -> int:
    rotation = destination.rotation
    path = rotation.file or Path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = RotatingFile(path, limit=rotation.limit or 0, backups=rotation.backups)
    except OSError as error:
        raise BadConfig(f"cannot write {path}: {error.strerror}", path="--file") from error
    with closing(file), ticker("records written", shown=not destination.quiet) as counted:
        try:
            if file.empty:
                file.write(LAYOUTS[order.layout].header.encode())
            for batch in made:
                file.write(batch.lines)
                counted.add(batch.count)
        except OSError as error:
            reason = (
                f"cannot write {path} any more: {error.strerror}; it holds {counted.count:,} of these records or more"
            )
            raise LogyardError(reason) from error
    return counted.count


def _send(made: Iterator[Batch], order: Order, destination: Destination) -> int:
    with Remote(destination.url) as remote, ticker("records stored", shown=not destination.quiet) as counted:

        def report(_block: Block, tally: Tally) -> None:
            counted.add(tally.stored - counted.count)

        tally = Shipment(remote, Patience()).send((_block(order.stream, batch) for batch in made), report)
    if tally.rejected:
        raise LogyardError(f"the server refused {tally.rejected:,} records: {tally.refusals[0].reason}")
    return tally.stored


def _block(stream: str, batch: Batch) -> Block:
    numbers = range(batch.first, batch.first + batch.count)
    return Block(source=stream, lines=batch.lines.removesuffix(b"\n"), numbers=numbers, position=0)
