"""``logyard ship``: follow files, or read a pipe, and ship what they say to a server. ``shipping.py`` does it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.options import application
from logyard.cli.order import Order

__all__ = ["app"]


_Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PATH]...", help="Files, directories (all *.log below) and patterns; - is stdin."),
]
_Format = Annotated[str, typer.Option("--format", help="auto, plain, docker or cri: what the files' lines are.")]


def command(
    context: typer.Context,
    paths: _Paths = None,
    *,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="URL", help="Logyard to ship to; may be given several times.")
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option("--state", metavar="DIR", help="What is not shipped yet, and how far files are read: ./ship."),
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings: TOML or YAML.")] = None,
    exclude: Annotated[
        list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Leave these files out.")
    ] = None,
    service: Annotated[str, typer.Option("--service", help="Service of records that name none.")] = "",
    field: Annotated[
        list[str] | None, typer.Option("--field", metavar="KEY=VALUE", help="Put on every record that lacks the key.")
    ] = None,
    source_format: _Format = "auto",
    read_from: Annotated[
        str, typer.Option("--from", help="head or tail: where to begin with files that are there at the first start.")
    ] = "head",
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Serve /metrics, /healthz and /stats there.")
    ] = "",
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
        "fields": dict(map(_pair, field or [])),
        "format": source_format,
        "read_from": read_from,
    }
    order = Order(
        file=None if config is None else str(config),
        flags=_flags(state, listen, has_file=config is not None),
        receivers=_receivers(paths or [], about),
        to=to or [],
        once=once,
        quiet=quiet,
    )
    (context.obj or _carry_out)(order)


def _carry_out(order: Order) -> None:
    from logyard.cli.shipping import run  # noqa: PLC0415 - start-up time: whoever only parses loads none of it

    run(order)


app = application(command)


def _flags(state: Path | None, listen: str, *, has_file: bool) -> dict[str, object]:
    flags: dict[str, object] = {} if state is None and has_file else {"data": str(state or "ship")}
    return {**flags, "collect.listen": listen} if listen else flags


def _receivers(paths: Sequence[str], about: dict[str, object]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    files = [path for path in paths if path != "-"]
    given = {name: value for name, value in about.items() if value}
    if files:
        found.append({"type": "files", "name": "files-given", "include": files, **given})
    if "-" in paths:
        known = {name: value for name, value in given.items() if name in {"service", "fields"}}
        found.append({"type": "stdin", "name": "stdin-given", **known})
    return found


def _pair(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found or not key:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--field")
    return key, value
