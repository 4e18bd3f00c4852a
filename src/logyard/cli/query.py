"""``logyard query``: search what is stored."""

import codecs
from collections.abc import Iterable
from typing import Annotated

import typer
from msgspec.structs import replace

from logyard.cli.asking import Question, columns, decoded, has_pipes, narrowed, style
from logyard.cli.options import (
    DEFAULT_URL,
    ColorOption,
    ColorWhen,
    FieldsOption,
    LimitOption,
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
from logyard.cli.output import write
from logyard.cli.remote import Remote
from logyard.cli.rows import Row, Style, printer
from logyard.cli.terminal import without_controls
from logyard.cli.times import instant, zone
from logyard.clock import SystemClock

__all__ = ["EMPTY", "app"]

EMPTY = 4
"""Exit code of --fail-if-empty."""

_MOST = 10_000_000
"""Rows that the server gives at most: what -n 0 asks for."""


def query(
    text: Annotated[str, typer.Argument(metavar="LOGSQL", help="What to look for; * is everything.")] = "*",
    *,
    since: SinceOption = "",
    until: UntilOption = "",
    limit: LimitOption = 100,
    where: WhereOption = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on with what arrives: 'logyard tail'.")] = False,
    newest_first: Annotated[
        bool,
        typer.Option("-r", "--newest-first", help="Turn the order around; a query with pipes has its own."),
    ] = False,
    output: OutputOption = Output.TEXT,
    fields: FieldsOption = "",
    timestamps: TimestampsOption = False,
    tz: TzOption = "local",
    color: ColorOption = ColorWhen.AUTO,
    fail_if_empty: Annotated[bool, typer.Option("--fail-if-empty", help="Exit with 4 when nothing matched.")] = False,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Print the newest stored rows that match, the newest last; with pipes, what the pipes make of them.

    \b
    logyard query error --since 1h
    logyard query 'service:checkout level:>=warning' -o ndjson
    logyard query '* | stats by (service) count() rows | sort by (rows desc)' --since 1d
    """  # noqa: D301 - \b keeps the lines of the examples apart
    where_zone, clock = zone(tz), SystemClock()
    question = Question(
        query=narrowed(text, where or ()),
        style=style(output, fields=fields, zone=where_zone, color=color, whole_times=timestamps),
        start=instant(since, where_zone, clock, option="--since"),
        end=instant(until, where_zone, clock, option="--until"),
        limit=limit or _MOST,
    )
    if follow:
        from logyard.cli.following import follow_live  # noqa: PLC0415 - start-up time, and an optional part

        raise typer.Exit(follow_live(url, question))
    with Remote(url) as remote:
        found = _answer(remote, question, newest_first=newest_first)
    if fail_if_empty and not found:
        raise typer.Exit(EMPTY)


app = application(query)


def _answer(remote: Remote, question: Question, *, newest_first: bool) -> bool:
    """Print the answer; whether there was any."""
    unlimited = question.limit == _MOST
    if question.style.output is Output.CSV and not question.style.fields and unlimited:
        return _servers_csv(remote, question)
    ordered = has_pipes(question.query) or newest_first
    if unlimited and not ordered:
        question = replace(question, query=f"{question.query} | sort by (timestamp, id)")
        ordered = True
    with remote.stream("/api/v1/query", question.parameters) as pieces:
        rows = decoded(pieces)
        if not ordered:
            # The server gives the newest first; a person reads downwards.
            rows = iter([[row for part in rows for row in part][::-1]])
        return _print(question.style, rows)


def _print(style: Style, parts: Iterable[list[Row]]) -> bool:
    if style.output is Output.CSV and not style.fields:
        everything = [row for part in parts for row in part]
        style, parts = replace(style, fields=columns(everything)), [everything]
    out = printer(style)
    write(out.begin())
    found = False
    for part in parts:
        found = found or bool(part)
        write(out.rows(part))
    write(out.end())
    return found


def _servers_csv(remote: Remote, question: Question) -> bool:
    """Only the server can know all columns of an answer of any length."""
    lines = 0
    with remote.stream("/api/v1/query", {**question.parameters, "format": "csv"}) as pieces:
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        for piece in pieces:
            lines += piece.count(b"\n")
            text = decoder.decode(piece)
            write(without_controls(text) if question.style.guarded else text)
    return lines > 1
