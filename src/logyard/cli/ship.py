"""``logyard ship``: follow files, or read a pipe, and ship what they say to a server. ``shipping.py`` does it."""

from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.collecting import (
    BatchIntervalOption,
    BatchSizeOption,
    EncodingOption,
    ExcludeOption,
    FieldOption,
    FilterOption,
    FormatOption,
    FromOption,
    ListenOption,
    MultilineOption,
    OutputFileOption,
    OutputTypeOption,
    PathsArgument,
    StateOption,
    ToOption,
    WebPortOption,
    batches,
    hand_on,
    keep,
    outputs,
    pair,
    receivers,
)
from logyard.cli.options import application
from logyard.cli.order import Order, Section

__all__ = ["app"]


def command(
    context: typer.Context,
    paths: PathsArgument = None,
    *,
    to: ToOption = None,
    state: StateOption = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings: TOML or YAML.")] = None,
    exclude: ExcludeOption = None,
    service: Annotated[str, typer.Option("--service", help="Service of records that name none.")] = "",
    field: FieldOption = None,
    source_format: FormatOption = "auto",
    multiline: MultilineOption = "off",
    encoding: EncodingOption = "",
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
        "multiline": multiline,
        "encoding": encoding,
        "read_from": read_from,
    }
    order = Order(
        file=str(config or ""),
        flags={**_flags(state, config, listen, web_port=web_port), **batches(batch_size, batch_interval)},
        receivers=receivers(paths or [], about),
        outputs=list(outputs(to or [], output_type, output_file)),
        steps=keep(filters or []),
        once=once,
        quiet=quiet,
    )
    hand_on(context, order)


app = application(command)


def _flags(state: Path | None, config: Path | None, listen: str, *, web_port: int) -> Section:
    flags: Section = {
        "data": str(state or "ship") if state is not None or config is None else "",
        "collect.listen": listen or (f"127.0.0.1:{web_port}" if web_port else ""),
    }
    return {name: value for name, value in flags.items() if value}
