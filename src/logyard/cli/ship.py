"""``logyard ship``: follow files, or read a pipe, and ship what they say to a server."""

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from logyard.cli.options import application
from logyard.cli.terminal import is_terminal
from logyard.config import Config, load
from logyard.edge.process import Left, Shipping, check, ship
from logyard.edge.wiring import Edge
from logyard.wal.log import Wal

__all__ = ["app"]

_SECOND = 1.0
_Paths = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PATH]...", help="Files, directories (all *.log below) and patterns; - is stdin."),
]
_Format = Annotated[
    str, typer.Option("--format", help="What lines are: auto, json, docker, cri, unparsed, plain, or a format's name.")
]
_Multiline = Annotated[
    str, typer.Option("--multiline", help="Which lines make one record: off, auto, or languages as java,python.")
]
_Encoding = Annotated[
    str, typer.Option("--encoding", help="Of files without a byte order mark: utf-16, shift_jis ...; else UTF-8.")
]


def command(
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
    multiline: _Multiline = "off",
    encoding: _Encoding = "",
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
        "multiline": multiline,
        "encoding": encoding,
        "read_from": read_from,
    }
    flags: dict[str, object] = {"data": str(state or "ship")} if state is not None or config is None else {}
    if listen:
        flags["collect.listen"] = listen
    receivers = _receivers(paths or [], about)
    _run(Shipping(load=lambda: _with(load(config, flags), receivers, to or []), file=config, once=once), quiet=quiet)


app = application(command)


def _run(shipping: Shipping, *, quiet: bool) -> None:
    settings = shipping.load()
    check(settings)
    if not quiet:
        sys.stderr.write(f"shipping to {_targets(settings)}; state is in {settings.data.absolute()}\n")
    progress = _progress() if is_terminal(sys.stderr) and not quiet else None
    left = ship(msgspec.structs.replace(shipping, progress=progress))
    _say(left, settings, quiet=quiet)


def _with(settings: Config, receivers: Sequence[dict[str, object]], to: Sequence[str]) -> Config:
    """What the command line names comes beside what the file names."""
    outputs = [{"type": "logyard", "url": url, "name": f"to-{number}"} for number, url in enumerate(to, 1)]
    return msgspec.structs.replace(
        settings, receivers=(*settings.receivers, *receivers), outputs=(*settings.outputs, *outputs)
    )


def _receivers(paths: Sequence[str], about: dict[str, object]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    files = [path for path in paths if path != "-"]
    given = {name: value for name, value in about.items() if value}
    if files:
        found.append({"type": "files", "name": "files-given", "include": files, **given})
    if "-" in paths:
        known = {name: value for name, value in given.items() if name not in {"exclude", "read_from"}}
        found.append({"type": "stdin", "name": "stdin-given", **known})
    return found


def _pair(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found or not key:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--field")
    return key, value


def _targets(settings: Config) -> str:
    return ", ".join(str(each.get("url", each.get("type", ""))) for each in settings.outputs)


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
