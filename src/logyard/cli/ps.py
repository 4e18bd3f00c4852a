"""``logyard ps``: list containers."""

from collections.abc import Sequence
from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict

from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent, HostOption
from logyard.cli.options import TableOption, TableOutput, application
from logyard.cli.terminal import without_controls, write, write_json
from logyard.clock import SystemClock

__all__ = ["LabelOption", "ago", "app", "table"]

_SHORT_ID = 12
_UNITS = (("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1))
_WIDEST = 40

LabelOption = Annotated[
    list[str] | None,
    typer.Option("-l", "--label", metavar="NAME[=VALUE]", help="Only with this label; may be given several times."),
]


def ps(
    *,
    all_: Annotated[bool, typer.Option("-a", "--all", help="Also those that do not run.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Only ids.")] = False,
    label: LabelOption = None,
    output: TableOption = TableOutput.TEXT,
    host: HostOption = "",
) -> None:
    """List containers, the newest first."""
    with Agent(host) as agent:
        found = agent.ask("List", pb.ListRequest(all=all_, labels=label or ()), pb.ListResponse).containers
    if output is TableOutput.JSON:
        write_json([MessageToDict(container, preserving_proto_field_name=True) for container in found])
    elif quiet:
        write("".join(f"{container.id}\n" for container in found))
    else:
        now = SystemClock().now()
        head = ("CONTAINER", "NAME", "IMAGE", "STATE", "CREATED", "COMMAND")
        write(table([head, *(_row(container, now) for container in found)]))


app = application(ps)


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows in aligned columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows)
    return "".join(f"{without_controls(line)}\n" for line in lines)


def ago(then: int, now: int) -> str:
    """``5 minutes ago``."""
    seconds = max(0, (now - then) // 1_000_000_000)
    for unit, length in _UNITS:
        if count := seconds // length:
            return f"{count} {unit}{'s' if count > 1 else ''} ago"
    return "now"


def _row(container: pb.Container, now: int) -> tuple[str, ...]:
    command = " ".join(container.command).replace("\n", " ")
    state = container.state
    return (
        container.id[:_SHORT_ID],
        container.name,
        container.image,
        state,
        ago(container.created_ns, now),
        command if len(command) <= _WIDEST else f"{command[: _WIDEST - 3]}...",
    )
