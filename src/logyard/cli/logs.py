"""``logyard logs``: print or follow the logs of containers."""

import re
import sys
from datetime import UTC, tzinfo
from typing import Annotated

import typer

from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent, HostOption
from logyard.cli.log_lines import Look
from logyard.cli.log_printing import Wanted, print_logs
from logyard.cli.options import ColorOption, ColorWhen, TableOption, TableOutput, application
from logyard.cli.ps import LabelOption
from logyard.cli.terminal import is_colored
from logyard.clock import SystemClock
from logyard.errors import BadInput

__all__ = ["app"]

_DURATION = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?(?:ns|us|ms|s|m|h|d|w))+")
_BAD = "Invalid {} format. Use format like '1h', '30m', '10s', '7d'"


Names = Annotated[list[str] | None, typer.Argument(metavar="CONTAINER...", help="Names, ids, or beginnings of ids.")]
Follow = Annotated[bool, typer.Option("-f", "--follow", help="Go on as lines come, over restarts.")]
Tail = Annotated[int, typer.Option("-n", "--tail", metavar="N", help="The last N lines of what matches; 0: all.")]
Since = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="TIME",
        help="From then on (inclusive): 10m, 1h30m, 7d (ago), now, today, yesterday, a date, RFC 3339, @unix.",
    ),
]
Until = Annotated[str, typer.Option("--until", metavar="TIME", help="Up to then (exclusive); as --since.")]
Times = Annotated[bool, typer.Option("-t", "--timestamps", help="Put the time before each line.")]
Tz = Annotated[
    str, typer.Option("--tz", metavar="ZONE", help="Zone of times, shown and given: UTC, local, Europe/Oslo, +02:00.")
]
NoStdout = Annotated[bool, typer.Option("--no-stdout", help="Leave out what containers wrote to stdout.")]
NoStderr = Annotated[bool, typer.Option("--no-stderr", help="Leave out what they wrote to stderr.")]
Include = Annotated[
    list[str] | None, typer.Option("-i", "--include", metavar="REGEX", help="Only lines that match one of these.")
]
Exclude = Annotated[
    list[str] | None, typer.Option("-e", "--exclude", metavar="REGEX", help="No lines that match one of these.")
]
Highlight = Annotated[list[str] | None, typer.Option("-H", "--highlight", metavar="REGEX", help="Mark what matches.")]
Template = Annotated[
    str,
    typer.Option("--template", metavar="TEXT", help="{time} {container} {stream} {message}, {a.b} of JSON lines."),
]
Pretty = Annotated[bool, typer.Option("--pretty", help="Indent lines that are JSON.")]
NoPrefix = Annotated[bool, typer.Option("--no-prefix", help="No names before the lines of several.")]
Linger = Annotated[
    float,
    typer.Option("--linger", min=0, metavar="SECONDS", help="How long -f waits for a container that ended; 0: ten."),
]


def logs(
    containers: Names = None,
    *,
    follow: Follow = False,
    tail: Tail = 0,
    since: Since = "",
    until: Until = "",
    timestamps: Times = False,
    tz: Tz = "UTC",
    no_stdout: NoStdout = False,
    no_stderr: NoStderr = False,
    include: Include = None,
    exclude: Exclude = None,
    highlight: Highlight = None,
    label: LabelOption = None,
    template: Template = "",
    pretty: Pretty = False,
    no_prefix: NoPrefix = False,
    linger: Linger = 0,
    color: ColorOption = ColorWhen.AUTO,
    output: TableOption = TableOutput.TEXT,
    host: HostOption = "",
) -> None:
    """Print the logs of containers, or follow them; several are merged by time.

    Exact bytes come through; what a container wrote to stderr goes to stderr. With -l, containers that come
    later are followed too.
    """
    names, labels = tuple(containers or ()), tuple(label or ())
    _check(tail, silent=no_stdout and no_stderr, chosen=bool(names or labels))
    request = pb.LogsRequest(follow=follow, tail=tail, linger_seconds=linger, batches=True)
    request.since, request.until = _time(since, tz, "since"), _time(until, tz, "until")
    request.stdout, request.stderr = not no_stdout, not no_stderr
    request.include.extend(include or ())
    request.exclude.extend(exclude or ())
    look = Look(
        timestamps=timestamps,
        zone=_zone(tz),
        prefix=not no_prefix and (len(names) > 1 or bool(labels)),
        colored=is_colored(color, sys.stdout),
        template=template,
        pretty=pretty,
        json=output is TableOutput.JSON,
        highlight=_patterns(highlight),
    )
    with Agent(host) as agent:
        raise typer.Exit(print_logs(agent, Wanted(names=names, labels=labels, request=request, look=look, since=since)))


app = application(logs)


def _check(tail: int, *, silent: bool, chosen: bool) -> None:
    if tail < 0:
        raise BadInput("Tail value must be non-negative")
    if silent:
        raise BadInput("Cannot exclude both stdout and stderr")
    if not chosen:
        raise typer.BadParameter("name containers, or choose them with --label", param_hint="CONTAINER")


def _zone(name: str) -> tzinfo:
    if name.upper() in {"UTC", "Z"}:
        return UTC
    from logyard.cli.times import zone  # noqa: PLC0415 - start-up time: it brings Polars along

    return zone(name)


def _time(text: str, tz: str, option: str) -> str:
    """As the agent takes it: durations count back on its clock, as the lines' times are its own."""
    if not text or _DURATION.fullmatch(text.strip()):
        return text
    from logyard.cli.times import instant, zone  # noqa: PLC0415 - start-up time: it brings Polars along

    try:
        return instant(text, zone(tz), SystemClock(), option=f"--{option}")
    except typer.BadParameter as error:
        if "time zone" in str(error):
            raise
        raise BadInput(_BAD.format(option)) from error


def _patterns(texts: list[str] | None) -> tuple[str, ...]:
    for text in texts or ():
        try:
            re.compile(text.encode())
        except re.error as error:
            raise typer.BadParameter(f"{text!r} is no regular expression: {error}", param_hint="--highlight") from error
    return tuple(texts or ())
