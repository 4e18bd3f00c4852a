"""What the command line of ``logyard ship`` says, as sections of a configuration."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.order import Order, Section
from logyard.language.quoting import quote

__all__ = [
    "BatchIntervalOption",
    "BatchSizeOption",
    "EncodingOption",
    "ExcludeOption",
    "FieldOption",
    "FilterOption",
    "FormatOption",
    "FromOption",
    "ListenOption",
    "MultilineOption",
    "OutputFileOption",
    "OutputType",
    "OutputTypeOption",
    "PathsArgument",
    "StateOption",
    "ToOption",
    "WebPortOption",
    "batches",
    "hand_on",
    "keep",
    "outputs",
    "pair",
    "receivers",
]


class OutputType(StrEnum):
    """Of a file that records are written to."""

    JSONL = "jsonl"
    SQLITE = "sqlite"
    CSV = "csv"


PathsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PATH]...", help="Files, directories (all *.log below) and patterns; - is stdin."),
]
StateOption = Annotated[
    Path | None,
    typer.Option("--state", metavar="DIR", help="What is not shipped yet, and how far files are read: ./ship."),
]
FormatOption = Annotated[
    str, typer.Option("--format", help="What lines are: auto, json, docker, cri, unparsed, plain, or a format's name.")
]
MultilineOption = Annotated[
    str, typer.Option("--multiline", help="Which lines make one record: off, auto, or languages as java,python.")
]
EncodingOption = Annotated[
    str, typer.Option("--encoding", help="Of files without a byte order mark: utf-16, shift_jis ...; else UTF-8.")
]
FromOption = Annotated[
    str, typer.Option("--from", help="head or tail: where to begin with files that are there at the first start.")
]
ListenOption = Annotated[
    str, typer.Option("--listen", metavar="HOST:PORT", help="Serve /metrics, /healthz and /stats there.")
]
ToOption = Annotated[
    list[str] | None, typer.Option("--to", metavar="URL", help="Logyard to ship to; may be given several times.")
]
ExcludeOption = Annotated[list[str] | None, typer.Option("--exclude", metavar="PATTERN", help="Leave these files out.")]
FieldOption = Annotated[
    list[str] | None, typer.Option("--field", metavar="KEY=VALUE", help="Put on every record that lacks the key.")
]
OutputTypeOption = Annotated[
    OutputType | None, typer.Option("--output-type", help="Write to a file, beside what else is named.")
]
OutputFileOption = Annotated[
    str, typer.Option("--output-file", metavar="FILE", help="That file; collected_logs/collected.jsonl (.csv ...).")
]
FilterOption = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="REGEX", help="Only records whose message matches; of several, any of them."),
]
BatchSizeOption = Annotated[
    int, typer.Option("--batch-size", min=0, metavar="N", help="Records that go out together, at most; 0: as set.")
]
BatchIntervalOption = Annotated[
    float, typer.Option("--batch-interval", min=0, metavar="S", help="Seconds until they go; 0: as set (0.5).")
]
WebPortOption = Annotated[int, typer.Option("--web-port", min=0, max=65535, help="As --listen, on 127.0.0.1; 0: none.")]


def hand_on(context: typer.Context, order: Order) -> None:
    """To the process that had its command line parsed; where none has, it is carried out here."""
    if callable(context.obj):
        context.obj(order)
        return
    from logyard.cli.shipping import run  # noqa: PLC0415 - whoever only parses loads none of it

    run(order)


def outputs(to: Sequence[str], kind: OutputType | None, file: str) -> Iterator[dict[str, object]]:
    """Each under a name of its own. Raises ``typer.BadParameter``."""
    if file and kind is None:
        raise typer.BadParameter("say what it is by --output-type", param_hint="--output-file")
    for number, url in enumerate(to, 1):
        yield {"type": "logyard", "url": url, "name": f"to-{number}"}
    if kind is not None:
        yield {"type": kind.value, "name": "collected", "path": file or f"collected_logs/collected.{kind.value}"}


def batches(rows: int, seconds: float) -> Section:
    """Settings of what goes out together; 0: as they are."""
    flags: Section = {"wal.segment_rows": rows, "wal.segment_seconds": seconds}
    return {name: value for name, value in flags.items() if value}


def keep(filters: Sequence[str]) -> tuple[dict[str, object], ...]:
    """The step that leaves nothing but what matches one of them."""
    if not filters:
        return ()
    return ({"type": "keep", "where": " or ".join(f"message:~{quote(text)}" for text in filters)},)


def receivers(paths: Sequence[str], about: dict[str, object]) -> list[dict[str, object]]:
    """What reads the paths; ``-`` is standard input. ``about``: settings that are "" or empty are not given."""
    found: list[dict[str, object]] = []
    files = [path for path in paths if path != "-"]
    given = {name: value for name, value in about.items() if value}
    if files:
        found.append({"type": "files", "name": "files-given", "include": files, **given})
    if "-" in paths:
        known = {name: value for name, value in given.items() if name not in {"exclude", "read_from"}}
        found.append({"type": "stdin", "name": "stdin-given", **known})
    return found


def pair(text: str) -> tuple[str, str]:
    """``KEY=VALUE``. Raises ``typer.BadParameter``."""
    key, found, value = text.partition("=")
    if not found or not key:
        raise typer.BadParameter(f"{text!r} is not KEY=VALUE", param_hint="--field")
    return key, value
