"""The command ``logyard``: finds the module of a command, runs it, and turns errors into exit codes.

    0    done
    1    it failed; the reason is on stderr
    2    the command line cannot be understood
    4    nothing matched, and --fail-if-empty was given
    130  Ctrl-C

A reader that goes away (``logyard query ... | head``) is not a failure. Only the module of the command that
runs is imported, so that ``logyard --help`` answers at once.
"""

import difflib
import importlib
import keyword
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NoReturn

from logyard.cli.order import Order, parsed_apart
from logyard.cli.output import write
from logyard.errors import LogyardError

if TYPE_CHECKING:
    import typer

__all__ = ["COMMANDS", "command_module", "main", "overview", "run"]

COMMANDS = {
    "up": "start the server",
    "send": "send files, or what comes on stdin",
    "ship": "follow files and ship them to a server, each line exactly once",
    "sidecar": "collector, processor and forwarder beside an application, over shared directories",
    "query": "search the stored logs",
    "tail": "follow logs as they arrive",
    "export": "write stored logs as Parquet",
    "import": "take Parquet files",
    "backup": "back up while the server runs; list and verify backups",
    "restore": "make a data directory out of a backup",
    "move": "copy everything into another Logyard, verified",
    "demo": "run programs that write real logs",
    "generate": "make records that can be counted, and count them",
    "agent": "launch, watch and follow containers of this host for others",
    "launch": "start a container",
    "stop": "stop containers",
    "rm": "remove containers",
    "ps": "list containers",
    "inspect": "print all that is known of containers",
    "exec": "run a command in a container",
    "logs": "print or follow the logs of containers",
    "events": "print what happens to containers",
    "stats": "print what a container uses",
    "dead-letters": "look at what was refused for good, and have it tried again",
    "config": "check a configuration, show it, or print its schema",
    "pipeline": "test a pipeline, preview it, print those that are shipped",
    "components": "list the parts that a configuration can use",
    "doctor": "check this machine and say what to change",
    "version": "print the version",
}
"""Name and summary. The command ``x-y`` is ``app`` in ``logyard/cli/x_y.py`` (``x_.py`` where Python has the word)."""

_CONTAINER_COMMANDS = frozenset({"launch", "stop", "rm", "ps", "inspect", "exec", "logs", "events", "stats"})
"""Their failures begin with ``Error:``, as those of other container tools do."""

_SHIPPERS = frozenset({"ship", "sidecar"})
"""They run for months, and hold little: see ``order.py``."""

FAILED, USAGE, INTERRUPTED = 1, 2, 130
_HELP = frozenset({"-h", "--help", "help"})


def main() -> NoReturn:
    """Entry point of the command; ends the process."""
    sys.exit(run(sys.argv[1:], apart=True))


def run(arguments: Sequence[str], *, apart: bool = False) -> int:
    """Run one command line and give its exit code. Writes to stdout and stderr.

    ``apart``: this process is the command's alone, and may have a child parse the command line.
    """
    try:
        code = _dispatch(list(arguments), apart=apart)
    except LogyardError as error:
        sys.stderr.write(f"{'Error' if _speaks_of_containers(arguments) else 'logyard'}: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    return code


def overview() -> str:
    """What ``logyard --help`` prints."""
    width = max(map(len, COMMANDS)) + 2
    commands = "".join(f"  {name:<{width}}{summary}\n" for name, summary in COMMANDS.items())
    return (
        "Usage: logyard COMMAND [ARGUMENTS]\n\n"
        "The log platform that you can pip install: durable, searchable, live.\n\n"
        f"Commands:\n{commands}\n"
        "'logyard COMMAND --help' says more about one command.\n"
        "First steps: 'logyard up' in one terminal, 'logyard tail' in another.\n"
    )


def command_module(name: str) -> "typer.Typer":
    """The Typer application of one command."""
    module = f"{name}_" if keyword.iskeyword(name) else name.replace("-", "_")
    app: typer.Typer = importlib.import_module(f"logyard.cli.{module}").app
    return app


def _dispatch(arguments: list[str], *, apart: bool) -> int:
    if not arguments or arguments[0] in _HELP:
        return _explain(arguments[1:])
    host, arguments = _host_in_front(arguments)
    name, *rest = [*arguments[:1], *host, *arguments[1:]] if arguments else ["", *host]
    if name == "--version":
        name = "version"
    if name not in COMMANDS:
        near = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f" Did you mean '{near[0]}'?" if near else ""
        sys.stderr.write(f"logyard: there is no command '{name}'.{hint}\nTry 'logyard --help'.\n")
        return USAGE
    return _ship(name, rest) if apart and name in _SHIPPERS else _run_command(name, rest)


def _ship(name: str, arguments: list[str]) -> int:
    """A shipper stays, and is small: it does not keep what has parsed its command line."""
    found = parsed_apart(lambda hand_on: _run_command(name, arguments, hand_on))
    if isinstance(found, int):
        return found
    from logyard.cli.shipping import run as carry_out  # noqa: PLC0415 - start-up time of all other commands

    carry_out(found)
    return 0


def _speaks_of_containers(arguments: Sequence[str]) -> bool:
    host, rest = _host_in_front(list(arguments))
    return bool(host) or not _CONTAINER_COMMANDS.isdisjoint(rest[:1])


def _host_in_front(arguments: list[str]) -> tuple[list[str], list[str]]:
    """``--host`` before the command is the command's own option, and the rest."""
    if arguments[:1] == ["--host"]:
        return arguments[:2], arguments[2:]
    if arguments and arguments[0].startswith("--host="):
        return arguments[:1], arguments[1:]
    return [], arguments


def _explain(topics: list[str]) -> int:
    if topics and topics[0] in COMMANDS:
        return _run_command(topics[0], ["--help"])
    write(overview())
    return 0


def _run_command(name: str, arguments: list[str], hand_on: Callable[[Order], None] | None = None) -> int:
    from typer.main import get_command  # noqa: PLC0415 - start-up time: no Typer for the overview

    try:
        get_command(command_module(name)).main(args=arguments, prog_name=f"logyard {name}", obj=hand_on)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0
