"""``logyard tail``: follow logs as they arrive."""

from typing import Annotated

import typer

from logyard.cli.asking import Question, narrowed, style
from logyard.cli.following import follow_live
from logyard.cli.options import (
    DEFAULT_URL,
    ColorOption,
    ColorWhen,
    FieldsOption,
    Output,
    OutputOption,
    SinceOption,
    TimestampsOption,
    TzOption,
    UntilOption,
    UrlOption,
    WhereOption,
    application,
)
from logyard.cli.times import instant, zone
from logyard.clock import SystemClock

__all__ = ["app"]

_FEW, _ALL = 10, 100_000


def tail(
    text: Annotated[str, typer.Argument(metavar="LOGSQL", help="What to follow; * is everything.")] = "*",
    *,
    history: Annotated[
        int | None,
        typer.Option(
            "-n",
            "--history",
            min=0,
            metavar="N",
            help="Begin with the newest N stored rows; 10, or all with --since.",
            show_default=False,
        ),
    ] = None,
    since: SinceOption = "",
    until: UntilOption = "",
    where: WhereOption = None,
    output: OutputOption = Output.TEXT,
    fields: FieldsOption = "",
    timestamps: TimestampsOption = False,
    tz: TzOption = "local",
    color: ColorOption = ColorWhen.AUTO,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Print matching rows as they arrive, after the newest stored ones; Ctrl-C ends it.

    When the server goes away the tail waits for it, then goes on where it was, without gap or duplicate.
    Rows that came faster than they could be read are counted on stderr. --until ends it at that time.
    """
    where_zone, clock = zone(tz), SystemClock()
    question = Question(
        query=narrowed(text, where or ()),
        style=style(output, fields=fields, zone=where_zone, color=color, whole_times=timestamps),
        start=instant(since, where_zone, clock, option="--since"),
        end=instant(until, where_zone, clock, option="--until"),
        limit=(_ALL if since else _FEW) if history is None else history,
    )
    raise typer.Exit(follow_live(url, question))


app = application(tail)
