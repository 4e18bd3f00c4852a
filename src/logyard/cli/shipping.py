"""Carrying out what a command that ships was told. Nothing of the command line's parts is needed here, nor loaded."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from logyard.cli.order import Order
from logyard.cli.terminal import is_terminal
from logyard.config import Config, load
from logyard.edge.process import Left, Shipping, check, ship
from logyard.edge.wiring import Edge
from logyard.wal.log import Wal

__all__ = ["run"]

_SECOND = 1.0


def run(order: Order) -> None:
    """Ship until it is told to stop, or all is done. Raises ``LogyardError`` when it cannot start."""
    file = Path(order.file) if order.file else None

    def settings() -> Config:
        return _beside(load(file, order.flags), order)

    _run(Shipping(load=settings, file=file, once=order.once), quiet=order.quiet)


def _run(shipping: Shipping, *, quiet: bool) -> None:
    settings = shipping.load()
    check(settings)
    if not quiet:
        sys.stderr.write(f"shipping to {_targets(settings)}; state is in {settings.data.absolute()}\n")
    progress = _progress() if is_terminal(sys.stderr) and not quiet else None
    left = ship(msgspec.structs.replace(shipping, progress=progress))
    _say(left, settings, quiet=quiet)


def _beside(settings: Config, order: Order) -> Config:
    """What the command line names comes beside what the file names; its filters come first."""
    return msgspec.structs.replace(
        settings,
        receivers=(*order.receivers, *settings.receivers),
        outputs=(*order.outputs, *settings.outputs),
        pipeline=(*order.steps, *(settings.pipeline or order.rules)),
    )


def _targets(settings: Config) -> str:
    return ", ".join(str(each.get("url", each.get("path", each.get("type")))) for each in settings.outputs)


def _say(left: Left, settings: Config, *, quiet: bool) -> None:
    if left.unread:
        sys.stderr.write(f"{left.unread:,} bytes in files are not read yet; they are with the next start\n")
    if left.rows:
        why = "".join(f"\n  {name}: {trouble}" for name, trouble in left.troubles.items())
        sys.stderr.write(
            f"{left.rows:,} records ({left.bytes:,} bytes) are not shipped yet; they lie in {settings.data.absolute()} "
            f"and go with the next start{why}\n"
        )
    elif not quiet:
        sys.stderr.write("all that was read has been shipped\n")


def _progress() -> Callable[[Edge, Wal], None]:
    """One line on the terminal, written again and again."""
    begun, said_at = time.monotonic(), [0.0]

    def show(edge: Edge, wal: Wal) -> None:
        now = time.monotonic()
        if now - said_at[0] < _SECOND:
            return
        said_at[0] = now
        stats = wal.stats()
        rate = stats.appended_rows_total / max(now - begun, 0.001)
        trouble = next(iter(edge.troubles.values()), "")
        text = (
            f"{len(edge.positions())} files  {stats.appended_rows_total:,} lines  {rate:,.0f}/s  "
            f"{stats.backlog_rows:,} to be shipped  {trouble}"
        )
        sys.stderr.write(f"\r\x1b[2K{text[:120]}")
        sys.stderr.flush()

    return show
