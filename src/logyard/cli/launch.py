"""``logyard launch``: start a container."""

from typing import Annotated

import typer

from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent, HostOption
from logyard.cli.options import application
from logyard.cli.output import write

__all__ = ["app", "pairs"]

_SECONDS = 120.0


def launch(
    image: Annotated[str, typer.Argument(metavar="IMAGE", help="An image; for the process driver a program.")],
    command: Annotated[
        list[str] | None, typer.Argument(metavar="[-- ARGUMENTS]", help="Instead of the image's own.")
    ] = None,
    *,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="The engine makes one up where none is given.")
    ] = "",
    env: Annotated[
        list[str] | None, typer.Option("-e", "--env", metavar="NAME=VALUE", help="Variable of the environment.")
    ] = None,
    label: Annotated[list[str] | None, typer.Option("-l", "--label", metavar="NAME=VALUE", help="Label.")] = None,
    workdir: Annotated[
        str, typer.Option("-w", "--workdir", metavar="DIR", help="Working directory in the container.")
    ] = "",
    user: Annotated[str, typer.Option("-u", "--user", metavar="USER", help="User in the container.")] = "",
    tty: Annotated[bool, typer.Option("-t", "--tty", help="With a terminal.")] = False,
    network: Annotated[
        str, typer.Option("--network", metavar="NAME", help="none, host, or a network of the engine.")
    ] = "",
    memory: Annotated[str, typer.Option("--memory", metavar="BYTES", help="Limit: 64m, 1g.")] = "",
    restart: Annotated[
        str, typer.Option("--restart", metavar="WHEN", help="no, always, on-failure or unless-stopped.")
    ] = "",
    host: HostOption = "",
) -> None:
    """Start a container and print its id.

    \b
    logyard launch local/busybox:1 --name hello --network none -- sh -c 'echo hello; sleep 60'
    """  # noqa: D301 - \b keeps the lines of the examples apart
    request = pb.LaunchRequest(
        image=image,
        name=name,
        command=command or (),
        env=pairs(env, "--env"),
        labels=pairs(label, "--label", bare=True),
        workdir=workdir,
        user=user,
        tty=tty,
        network=network,
        memory_bytes=_bytes(memory),
        restart=restart,
    )
    with Agent(host) as agent:
        container = agent.ask("LaunchContainer", request, pb.Container, seconds=_SECONDS)
    write(f"{container.id}\n")


app = application(launch)


def pairs(texts: list[str] | None, option: str, *, bare: bool = False) -> dict[str, str]:
    """``NAME=VALUE`` each. Raises ``typer.BadParameter`` that names the option."""
    found = {}
    for text in texts or ():
        name, equals, value = text.partition("=")
        if not name or not (equals or bare):
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint=option)
        found[name] = value
    return found


def _bytes(text: str) -> int:
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    plain = text.lower().removesuffix("b")
    number, factor = (plain[:-1], units[plain[-1]]) if plain[-1:] in units else (plain, 1)
    if not text:
        return 0
    if not number.isdecimal():
        raise typer.BadParameter(f"{text!r} is not bytes, as in 64m or 1g", param_hint="--memory")
    return int(number) * factor
