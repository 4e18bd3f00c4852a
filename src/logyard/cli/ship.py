"""``logyard ship``: follow files, or read a pipe, and ship what they say to a server."""

import sys
import time
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from logyard.cli.options import application
from logyard.cli.terminal import is_terminal
from logyard.config import Config, load
from logyard.language.quoting import quote
from logyard.edge.process import Left, Shipping, ship
from logyard.edge.wiring import Edge
from logyard.wal.log import Wal

__all__ = ["app"]

_SECOND = 1.0


class OutputType(StrEnum):
    """Of a file that records are written to."""

    JSONL = "jsonl"
    SQLITE = "sqlite"
    CSV = "csv"


def command(
    paths: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH]...", help="Files, directories (all *.log below) and patterns; - is stdin."),
    ] = None,
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
    source_format: Annotated[
        str, typer.Option("--format", help="auto, plain, docker or cri: what the files' lines are.")
    ] = "auto",
    read_from: Annotated[
        str, typer.Option("--from", help="head or tail: where to begin with files that are there at the first start.")
    ] = "head",
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Serve /metrics, /healthz and /stats there.")
    ] = "",
    output_type: Annotated[
        OutputType | None, typer.Option("--output-type", help="Write to a file, beside what else is named.")
    ] = None,
    output_file: Annotated[
        str, typer.Option("--output-file", metavar="FILE", help="That file; collected_logs/collected.jsonl (.csv ...).")
    ] = "",
    filters: Annotated[
        list[str] | None,
        typer.Option("--filter", metavar="REGEX", help="Only records whose message matches; of several, any of them."),
    ] = None,
    batch_size: Annotated[
        int, typer.Option("--batch-size", min=0, metavar="N", help="Records that go out together, at most; 0: as set.")
    ] = 0,
    batch_interval: Annotated[
        float, typer.Option("--batch-interval", min=0, metavar="S", help="Seconds until they go; 0: as set (0.5).")
    ] = 0,
    web_port: Annotated[
        int, typer.Option("--web-port", min=0, max=65535, help="As --listen, on 127.0.0.1; 0: none.")
    ] = 0,
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
    flags: dict[str, object] = {
        "data": str(state or "ship") if state is not None or config is None else "",
        "collect.listen": listen or (f"127.0.0.1:{web_port}" if web_port else ""),
        "wal.segment_rows": batch_size,
        "wal.segment_seconds": batch_interval,
    }
    flags = {name: value for name, value in flags.items() if value}
    more = Config(
        receivers=tuple(_receivers(paths or [], about)),
        outputs=tuple(_outputs(to or [], output_type, output_file)),
        pipeline=_keep(filters or []),
    )
    _run(Shipping(load=lambda: _with(load(config, flags), more), file=config, once=once), quiet=quiet)


app = application(command)


def _run(shipping: Shipping, *, quiet: bool) -> None:
    settings = shipping.load()
    if not quiet:
        sys.stderr.write(f"shipping to {_targets(settings)}; state is in {settings.data.absolute()}\n")
    progress = _progress() if is_terminal(sys.stderr) and not quiet else None
    left = ship(msgspec.structs.replace(shipping, progress=progress))
    _say(left, settings, quiet=quiet)


def _with(settings: Config, more: Config) -> Config:
    """What the command line names comes beside what the file names; its filters come first."""
    return msgspec.structs.replace(
        settings,
        receivers=(*settings.receivers, *more.receivers),
        outputs=(*settings.outputs, *more.outputs),
        pipeline=(*more.pipeline, *settings.pipeline),
    )


def _outputs(to: Sequence[str], kind: OutputType | None, file: str) -> Iterator[dict[str, object]]:
    if file and kind is None:
        raise typer.BadParameter("say what it is by --output-type", param_hint="--output-file")
    for number, url in enumerate(to, 1):
        yield {"type": "logyard", "url": url, "name": f"to-{number}"}
    if kind is not None:
        yield {"type": kind.value, "name": "collected", **({"path": file} if file else {})}


def _keep(filters: Sequence[str]) -> tuple[dict[str, object], ...]:
    if not filters:
        return ()
    return ({"type": "keep", "where": " or ".join(f"message:~{quote(text)}" for text in filters)},)


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
