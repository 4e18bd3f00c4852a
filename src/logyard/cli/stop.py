"""``logyard stop``: stop containers."""

from typing import Annotated

import typer

from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent, HostOption
from logyard.cli.options import application
from logyard.cli.output import write

__all__ = ["app"]

_SECONDS = 120.0


def stop(
    containers: Annotated[list[str], typer.Argument(metavar="CONTAINER...", help="Names or ids.")],
    *,
    timeout: Annotated[
        float,
        typer.Option("-t", "--time", min=0, metavar="SECONDS", help="Between the polite signal and KILL; 0: ten."),
    ] = 0,
    host: HostOption = "",
) -> None:
    """Stop containers, and print the name of each that has stopped."""
    with Agent(host) as agent:
        for name in containers:
            request = pb.StopRequest(container_identifier=name, timeout_seconds=timeout)
            agent.ask("StopContainer", request, pb.StopResponse, seconds=_SECONDS + timeout)
            write(f"{name}\n")


app = application(stop)
