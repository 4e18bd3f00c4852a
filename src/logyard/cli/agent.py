"""``logyard agent``: the container agent of this host."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.options import application
from logyard.config import load

__all__ = ["app"]


def agent(
    listen: Annotated[
        str,
        typer.Option("--listen", metavar="HOST:PORT", help="Where to listen, or unix:PATH; port 0 takes a free one."),
    ] = "",
    *,
    driver: Annotated[
        str, typer.Option("--driver", metavar="NAME", help="docker, podman or process.", show_default=False)
    ] = "",
    engine: Annotated[
        str, typer.Option("--engine", metavar="URL", help="The engine: unix:///PATH or tcp://HOST:PORT.")
    ] = "",
    folder: Annotated[
        Path | None, typer.Option("--folder", metavar="DIR", help="Where the process driver keeps logs.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option("--token-file", metavar="FILE", help="The bearer token that callers must bring.")
    ] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings: TOML or YAML.")] = None,
) -> None:
    """Launch, watch and follow containers of this host for others, over gRPC; Ctrl-C or SIGTERM stops it.

    It listens on 127.0.0.1:50051. Beyond this machine it needs TLS, and a token or clients' certificates:
    see the section 'agent' of the configuration.
    """
    given = {
        "agent.listen": listen,
        "agent.driver": driver,
        "agent.settings.url": engine,
        "agent.settings.folder": str(folder or ""),
        "agent.token_file": str(token_file or ""),
    }
    settings = load(config, {name: value for name, value in given.items() if value}).agent
    from logyard.agent.run import run  # noqa: PLC0415 - start-up time: only when the settings are good

    run(settings, _announce)


app = application(agent)


def _announce(address: str, driver: str) -> None:
    host = "" if address == "127.0.0.1:50051" else f"--host {address} "
    sys.stderr.write(
        f"\nThe agent listens on {address}; its driver is {driver}. Ctrl-C stops it.\n\n"
        "Try, in another terminal:\n\n"
        f"  logyard {host}ps\n"
        f"  logyard {host}logs -f NAME\n\n"
    )
    sys.stderr.flush()
