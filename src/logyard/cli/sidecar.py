"""``logyard sidecar``: the three roles beside an application, as three processes over shared directories or as one.

    /logs ──► collector ──► /collected-logs ──► processor ──► /processed-logs ──► forwarder ──► servers, stdout
    /logs ──► all ──► servers, stdout

Each role is a ``logyard ship`` whose receivers, steps and outputs are given here; a configuration file adds to them.
What a role has taken and not handed on lies in a hidden directory beside what it hands on, so that a pod needs no
volume of its own for that.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from logyard.cli.collecting import ListenOption, ToOption, hand_on
from logyard.cli.options import application
from logyard.cli.order import Order, Section

__all__ = ["app"]

_REPORT: Final = "report"
_LEVEL: Final = "INFO"
_RULES: Final[Section] = {"include": "sidecar"}
_AFTER_COLLECTION: Final[Sequence[Section]] = (
    # The collector has looked into no message: its INFO gives way to what a line says itself.
    {"type": "set", "name": "undo-default-level", "where": f"level:={_LEVEL}", "fields": {"level": ""}},
    _RULES,
    {"type": "timestamp", "name": "collected", "field": "collected_at", "keep": True, "missing": True},
)

LogsArgument = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PATH]...", help="Files, directories (all *.log below) and patterns: /logs."),
]
CollectedOption = Annotated[
    Path, typer.Option("--collected", metavar="DIR", envvar="COLLECTED_LOGS", help="Between collector and processor.")
]
ProcessedOption = Annotated[
    Path, typer.Option("--processed", metavar="DIR", envvar="PROCESSED_LOGS", help="Between processor and forwarder.")
]
ReportOption = Annotated[
    float,
    typer.Option("--report", metavar="SECONDS", help="Report counts and latest lines on stdout so often; 0: never."),
]
StateOption = Annotated[
    Path | None, typer.Option("--state", metavar="DIR", help="What is taken and not handed on yet; a hidden directory.")
]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="More receivers, steps, outputs and settings.")
]
OnceOption = Annotated[bool, typer.Option("--once", help="End when all that is there now has been handed on.")]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but warnings and errors.")]
DEFAULT_LOGS: Final = "/logs"
DEFAULT_COLLECTED: Final = Path("/collected-logs")
DEFAULT_PROCESSED: Final = Path("/processed-logs")


app = application()


@app.callback()
def about() -> None:
    """Collect, process and forward the logs of an application beside it: as three processes, or as one."""


@app.command(short_help="follow log files; write collected_* and collection_stats.json")
def collector(
    context: typer.Context,
    paths: LogsArgument = None,
    *,
    collected: CollectedOption = DEFAULT_COLLECTED,
    state: StateOption = None,
    config: ConfigOption = None,
    listen: ListenOption = "",
    once: OnceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Follow log files through every kind of rotation and hand their lines to the processor.

    Each line becomes a JSON line of DIR/collected_NAME, with its source_file, collected_at and level.
    """
    order = Order(
        file=str(config or ""),
        flags=_flags(state or collected / ".collector", listen)
        | {"collect.stats": str(collected / "collection_stats.json")},
        receivers=[{**_files(paths), "level": _LEVEL}],
        outputs=[_spool(collected, "collected_", source_key="source_file", arrival_key="collected_at")],
        once=once,
        quiet=quiet,
    )
    hand_on(context, order)


@app.command(short_help="give records their category, level and more; write processed_*")
def processor(
    context: typer.Context,
    *,
    collected: CollectedOption = DEFAULT_COLLECTED,
    processed: ProcessedOption = DEFAULT_PROCESSED,
    state: StateOption = None,
    config: ConfigOption = None,
    listen: ListenOption = "",
    once: OnceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Take what the collector wrote, put it through the pipeline and hand it to the forwarder.

    The pipeline is the one that 'logyard pipeline show sidecar' prints, or that of the configuration file.
    """
    order = Order(
        file=str(config or ""),
        flags=_flags(state or processed / ".processor", listen)
        | {"collect.processing_stats": str(processed / "processing_stats.json")},
        receivers=[_taken(collected, "collected_*")],
        outputs=[_spool(processed, "processed_collected_")],
        rules=_AFTER_COLLECTION,
        once=once,
        quiet=quiet,
    )
    hand_on(context, order)


@app.command(short_help="report on stdout, and ship to outside systems")
def forwarder(
    context: typer.Context,
    *,
    processed: ProcessedOption = DEFAULT_PROCESSED,
    to: ToOption = None,
    report: ReportOption = 60.0,
    state: StateOption = None,
    config: ConfigOption = None,
    listen: ListenOption = "",
    once: OnceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Take what the processor wrote, report on it, and ship it.

    Elasticsearch, Loki, Splunk, Kafka and others are outputs of the configuration file.
    """
    order = Order(
        file=str(config or ""),
        flags=_flags(state or processed / ".forwarder", listen),
        receivers=[_taken(processed, "processed_*")],
        outputs=[*_reports(report), *_servers(to)],
        once=once,
        quiet=quiet,
    )
    hand_on(context, order)


@app.command("all", short_help="the three roles as one process")
def all_roles(
    context: typer.Context,
    paths: LogsArgument = None,
    *,
    to: ToOption = None,
    report: ReportOption = 60.0,
    state: StateOption = None,
    config: ConfigOption = None,
    listen: ListenOption = "",
    once: OnceOption = False,
    quiet: QuietOption = False,
) -> None:
    """Collect, process and forward in one process, without files in between."""
    order = Order(
        file=str(config or ""),
        flags=_flags(state or Path("sidecar"), listen),
        receivers=[_files(paths)],
        outputs=[*_reports(report), *_servers(to)],
        rules=[_RULES],
        once=once,
        quiet=quiet,
    )
    hand_on(context, order)


def _files(paths: Sequence[str] | None) -> Section:
    """As they are: what lines mean is the processor's to say."""
    return {"type": "files", "name": "logs", "include": list(paths or [DEFAULT_LOGS]), "format": "unparsed"}


def _taken(directory: Path, pattern: str) -> Section:
    return {"type": "spool", "name": "handed-over", "directory": str(directory), "pattern": pattern}


def _spool(directory: Path, prefix: str, **keys: str) -> Section:
    return {"type": "spool", "name": "hand-over", "directory": str(directory), "prefix": prefix, **keys}


def _reports(seconds: float) -> list[Section]:
    return [{"type": "stdout", "name": _REPORT, "seconds": seconds}] if seconds else []


def _servers(urls: Sequence[str] | None) -> list[Section]:
    return [{"type": "logyard", "name": f"to-{number}", "url": url} for number, url in enumerate(urls or [], 1)]


def _flags(state: Path, listen: str) -> Section:
    return {"data": str(state), **({"collect.listen": listen} if listen else {})}
