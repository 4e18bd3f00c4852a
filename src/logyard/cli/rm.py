"""``logyard rm``: remove containers."""

from typing import Annotated

import typer

from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent, HostOption
from logyard.cli.options import application
from logyard.cli.output import write

__all__ = ["app"]


def rm(
    containers: Annotated[list[str], typer.Argument(metavar="CONTAINER...", help="Names or ids.")],
    *,
    force: Annotated[bool, typer.Option("-f", "--force", help="Also those that run.")] = False,
    host: HostOption = "",
) -> None:
    """Remove containers with their logs, and print the name of each that is gone."""
    with Agent(host) as agent:
        for name in containers:
            request = pb.RemoveRequest(container_identifier=name, force=force)
            agent.ask("Remove", request, pb.RemoveResponse)
            write(f"{name}\n")


app = application(rm)
