"""``logyard exec``: run a command in a container."""

from typing import Annotated

import typer

from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent, HostOption
from logyard.cli.launch import pairs
from logyard.cli.options import application
from logyard.cli.shell import Session

__all__ = ["app"]


def exec_(
    container: Annotated[str, typer.Argument(metavar="CONTAINER", help="Name or id.")],
    command: Annotated[list[str], typer.Argument(metavar="-- COMMAND...", help="What to run.")],
    *,
    interactive: Annotated[bool, typer.Option("-i", "--interactive", help="Give it our stdin.")] = False,
    tty: Annotated[bool, typer.Option("-t", "--tty", help="Give it a terminal.")] = False,
    env: Annotated[
        list[str] | None, typer.Option("-e", "--env", metavar="NAME=VALUE", help="Variable of the environment.")
    ] = None,
    workdir: Annotated[str, typer.Option("-w", "--workdir", metavar="DIR", help="Working directory.")] = "",
    user: Annotated[str, typer.Option("-u", "--user", metavar="USER", help="User.")] = "",
    host: HostOption = "",
) -> None:
    """Run a command in a container; its exit code is ours. Options stand before the container.

    \b
    logyard exec web -- ls -l /
    logyard exec -it web -- sh
    """  # noqa: D301 - \b keeps the lines of the examples apart
    words = command[1:] if command[:1] == ["--"] else command
    if not words:
        raise typer.BadParameter("there is no command", param_hint="COMMAND")
    start = pb.ExecStart(
        container_identifier=container,
        command=words,
        tty=tty,
        interactive=interactive,
        env=pairs(env, "--env"),
        workdir=workdir,
        user=user,
    )
    with Agent(host) as agent:
        code = Session(agent, start).run()
    raise typer.Exit(code)


app = application(exec_, options_first=True)
