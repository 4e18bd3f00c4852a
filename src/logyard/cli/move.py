"""``logyard move``: everything from one Logyard into another."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.journal import Journal
from logyard.cli.moving import Move, Outcome
from logyard.cli.options import application
from logyard.cli.progress import progress
from logyard.cli.yard import is_url, open_yard
from logyard.model.timestamp import format_ns

__all__ = ["app"]


def move(
    source: Annotated[
        str, typer.Option("--from", metavar="DIR|URL", help="What to move: a running server, or a directory of none.")
    ],
    target: Annotated[
        str, typer.Option("--to", metavar="DIR|URL", help="Where to: a running server, or a directory, also a new one.")
    ],
    *,
    journal: Annotated[
        Path | None,
        typer.Option("--journal", metavar="FILE", help="Where to note what is done; here, named by the two, without."),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings for a directory: tiers, object storage.")
    ] = None,
    retry_for: Annotated[
        float, typer.Option("--retry-for", min=0, metavar="SECONDS", help="How long to try again when one side fails.")
    ] = 60.0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Copy everything that one Logyard holds into another, and prove that it is there.

    The source goes on taking and answering; nothing is deleted there. Each partition counts when both sides have
    the same number of records and the same checksum over all their columns. What arrives meanwhile is moved too.
    Started again after it was stopped or killed, it goes on; run twice, it stores nothing twice.

    \b
    logyard move --from ./data --to http://big:8005
    logyard move --from http://old:8005 --to http://new:8005
    logyard move --from ./data --to 'clickhouse://user:secret@h1:8123,h2:8123/db?cluster=yard'
    """  # noqa: D301 - \b keeps the lines of the examples apart
    if _same(source, target):
        raise typer.BadParameter("is the source itself", param_hint="--to")
    path = journal or Journal.place(Path(), source, target)
    with (
        open_yard(source, config=config, patience=retry_for) as here,
        open_yard(target, config=config, create=True, patience=retry_for) as there,
    ):
        notes = Journal.open(path, source, target)
        try:
            with progress("records", quiet=quiet) as shown:
                done = Move(here, there, notes, progress=shown).run()
        finally:
            notes.close()
    kept = notes.complete()
    if quiet:
        return
    sys.stderr.write(_summary(done, source, target) + f"journal: {kept}\n")


app = application(move)


def _same(source: str, target: str) -> bool:
    if is_url(source) or is_url(target):
        return source.rstrip("/") == target.rstrip("/")
    return Path(source).resolve() == Path(target).resolve()


def _summary(done: Outcome, source: str, target: str) -> str:
    text = (
        f"{done.rows:,} records in {done.partitions} partitions are in {target}, verified by count and checksum "
        f"({done.stored:,} of them new there, {done.keys:,} idempotency keys, {done.passes} passes)\n"
    )
    if done.others:
        text += f"{target} holds {done.others:,} records of its own at the same times\n"
    if done.later:
        since = format_ns(done.until)
        text += f"{source} has taken {done.later:,} more since {since}: turn its senders, then run this again\n"
    return text
