"""Options that several commands share, each written once."""

from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import typer

__all__ = [
    "DEFAULT_URL",
    "ColorOption",
    "ColorWhen",
    "FieldsOption",
    "LimitOption",
    "Output",
    "OutputOption",
    "SinceOption",
    "TableOption",
    "TableOutput",
    "TimestampsOption",
    "TzOption",
    "UntilOption",
    "UrlOption",
    "WhereOption",
    "application",
]

DEFAULT_URL = "http://127.0.0.1:8005"


class Output(StrEnum):
    """How rows are printed."""

    TEXT = "text"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"
    LOGFMT = "logfmt"


class TableOutput(StrEnum):
    """How a small answer is printed."""

    TEXT = "text"
    JSON = "json"


class ColorWhen(StrEnum):
    """When to colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


UrlOption = Annotated[
    str,
    typer.Option("--url", envvar="LOGYARD_URL", show_envvar=True, metavar="URL", help="Address of the server."),
]
OutputOption = Annotated[Output, typer.Option("-o", "--output", help="How rows are printed.")]
TableOption = Annotated[TableOutput, typer.Option("-o", "--output", help="How the answer is printed.")]
ColorOption = Annotated[
    ColorWhen,
    typer.Option("--color", help="auto: on a terminal only; NO_COLOR and CLICOLOR_FORCE are heeded."),
]
FieldsOption = Annotated[
    str,
    typer.Option("--fields", metavar="A,B,...", help="Print only these fields, in this order."),
]
SinceOption = Annotated[
    str,
    typer.Option(
        "--since",
        metavar="TIME",
        help="From then on (inclusive): 90s, 5m, 1h30m, 2d, 1w (ago), now, today, yesterday, a date, RFC 3339, @unix.",
    ),
]
UntilOption = Annotated[str, typer.Option("--until", metavar="TIME", help="Up to then (exclusive); as --since.")]
TimestampsOption = Annotated[
    bool,
    typer.Option("-t", "--timestamps", help="Print whole timestamps: RFC 3339, every digit that is stored."),
]
TzOption = Annotated[
    str,
    typer.Option(
        "--tz",
        metavar="ZONE",
        help="Zone of printed times, and of --since and --until where they name none: local, UTC, Europe/Oslo, +02:00.",
    ),
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option("--where", metavar="LOGSQL", help="One more filter that must hold; may be given several times."),
]
LimitOption = Annotated[int, typer.Option("-n", "--limit", min=0, metavar="N", help="At most N rows; 0: all.")]


def application(command: Callable[..., None] | None = None, *, options_first: bool = False) -> typer.Typer:
    """A Typer application in the plain style of all commands: of one function, or empty.

    ``options_first``: what follows the first argument is no option of ours, whatever it looks like.
    """
    app = typer.Typer(
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={
            "help_option_names": ["-h", "--help"],
            "max_content_width": 100,
            **({"allow_interspersed_args": False} if options_first else {}),
        },
    )
    if command is not None:
        app.command()(command)
    return app
