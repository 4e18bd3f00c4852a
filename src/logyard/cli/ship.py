"""``logyard ship``: follow files, or read a pipe, and ship what they say to a server."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from logyard.cli.collecting import (
    BatchIntervalOption,
    BatchSizeOption,
    ExcludeOption,
    FieldOption,
    FilterOption,
    FormatOption,
    FromOption,
    ListenOption,
    OutputFileOption,
    OutputTypeOption,
    PathsArgument,
    StateOption,
    ToOption,
    WebPortOption,
    beside,
    keep,
    outputs,
    pair,
    receivers,
)
from logyard.cli.options import application
from logyard.cli.terminal import is_terminal
from logyard.config import Config, load
from logyard.edge.process import Left, Shipping, ship
from logyard.edge.wiring import Edge
from logyard.wal.log import Wal

__all__ = ["app", "run"]

_SECOND = 1.0


def command(
    paths: PathsArgument = None,
    *,
    to: ToOption = None,
    state: StateOption = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings: TOML or YAML.")] = None,
    exclude: ExcludeOption = None,
    service: Annotated[str, typer.Option("--service", help="Service of records that name none.")] = "",
    field: FieldOption = None,
    source_format: FormatOption = "auto",
    read_from: FromOption = "head",
    listen: ListenOption = "",
    output_type: OutputTypeOption = None,
    output_file: OutputFileOption = "",
    filters: FilterOption = None,
    batch_size: BatchSizeOption = 0,
    batch_interval: BatchIntervalOption = 0,
    web_port: WebPortOption = 0,
    once: Annotated[bool, typer.Option("--once", help="End when all that is there now has been shipped.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but warnings and errors.")] = False,
) -> None:
    """Follow files through every kind of rotation and ship their lines, each exactly once.

    Lines are durable in DIR before anything moves on; the server may be away, either side may be killed. SIGTERM and
    Ctrl-C stop reading, ship what is there and say what is left; SIGHUP reads the configuration again.
    """
    about: dict[str, object] = {
        "exclude": exclude or [],
        "service": service,
        "fields": dict(map(pair, field or [])),
        "format": source_format,
        "read_from": read_from,
    }
    flags: dict[str, object] = {
        "data": str(state or "ship") if state is not None or config is None else "",
        "collect.listen": listen or (f"127.0.0.1:{web_port}" if web_port else ""),
        "wal.segment_rows": batch_size,
        "wal.segment_seconds": batch_interval,
    }
    flags = {name: value for name, value in flags.items() if value}
    more = Config(
        receivers=tuple(receivers(paths or [], about)),
        outputs=tuple(outputs(to or [], output_type, output_file)),
        pipeline=keep(filters or []),
    )
    run(Shipping(load=lambda: beside(load(config, flags), more), file=config, once=once), quiet=quiet)


app = application(command)


def run(shipping: Shipping, *, quiet: bool) -> None:
    """Ship, and say on stderr where to, how far, and what is left."""
    settings = shipping.load()
    if not quiet:
        sys.stderr.write(f"shipping to {_targets(settings)}; state is in {settings.data.absolute()}\n")
    progress = _progress() if is_terminal(sys.stderr) and not quiet else None
    left = ship(msgspec.structs.replace(shipping, progress=progress))
    _say(left, settings, quiet=quiet)


def _targets(settings: Config) -> str:
    return ", ".join(str(each.get("url", each.get("path", each.get("type")))) for each in settings.outputs) or "nothing"


def _say(left: Left, settings: Config, *, quiet: bool) -> None:
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
