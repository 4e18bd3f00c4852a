"""``logyard up``: the server."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.options import DEFAULT_URL, application
from logyard.config import Config, load
from logyard.errors import MissingPart

__all__ = ["app", "welcome"]


def up(
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR", help="Directory of all that is stored.")] = None,
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where to listen; port 0 takes a free one.")
    ] = "",
    *,
    store: Annotated[
        str, typer.Option("--store", metavar="URL", help="Store records on a cluster: clickhouse://HOST:PORT,.../DB.")
    ] = "",
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Settings: TOML or YAML.")] = None,
) -> None:
    """Start the server; Ctrl-C or SIGTERM stops it after what is under way is done.

    Flags win over the environment, and the environment over the file; 'logyard config show' prints what
    comes out of it.
    """
    flags: dict[str, object] = {}
    if data is not None:
        flags["data"] = str(data)
    if listen:
        flags["listen"] = listen
    if store:
        flags["store"] = store
    _serve(load(config, flags))


app = application(up)


def welcome(url: str, data: Path) -> str:
    """What to try next: every line works as it is."""
    elsewhere = "" if url == DEFAULT_URL else f" --url {url}"
    entry = '{"level":"info","service":"shop","message":"hello"}'
    return (
        f"\nLogyard listens on {url}; its data is in {data.absolute()}. Ctrl-C stops it.\n\n"
        "Try, in another terminal:\n\n"
        f"  curl {url}/logs -d '{entry}'\n"
        f"  curl {url}/logs/shop\n"
        f"  logyard query hello{elsewhere}\n"
        f"  logyard send /var/log/*.log{elsewhere}\n"
        f"  logyard tail{elsewhere}\n\n"
    )


def _serve(settings: Config) -> None:
    try:
        from logyard.app import Running, run  # noqa: PLC0415 - start-up time: only when the settings are good
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("logyard"):
            raise
        raise MissingPart(f"the server (it imports {error.name})", "server") from error

    def announce(running: Running) -> None:
        sys.stderr.write(welcome(running.url, settings.data))
        sys.stderr.flush()

    run(settings, announce)
