"""``logyard export``: records as Parquet."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.exporting import Export, Question
from logyard.cli.options import DEFAULT_URL, SinceOption, TzOption, UntilOption, application
from logyard.cli.progress import progress
from logyard.cli.times import instant, zone
from logyard.cli.yard import open_yard
from logyard.clock import SystemClock
from logyard.config import load
from logyard.store.descend import storage_of
from logyard.store.places import open_place

__all__ = ["app"]


def export(
    to: Annotated[str, typer.Option("--to", metavar="PLACE", help="A new folder, or s3://bucket/prefix.")],
    *,
    source: Annotated[
        str, typer.Option("--from", envvar="LOGYARD_URL", show_envvar=True, metavar="URL", help="A running server.")
    ] = DEFAULT_URL,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Of this directory, on which no server runs.")
    ] = None,
    query: Annotated[str, typer.Option("--query", metavar="LOGSQL", help="Only what matches; no pipes.")] = "",
    partition: Annotated[
        list[str] | None, typer.Option("--partition", metavar="P", help="Only of this partition, like 20261125.")
    ] = None,
    since: SinceOption = "",
    until: UntilOption = "",
    tz: TzOption = "local",
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings: object storage and its keys.")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Write records as Parquet files, a folder for each partition, which any Parquet reader reads.

    All columns of the store are in them, attributes as a map, compressed with zstd; 'logyard import' takes them
    back as they were. The files hold what was acknowledged before. An export that was stopped goes on when it is
    started again.

    \b
    logyard export --to ./archive --since 30d
    logyard export --to s3://bucket/archive --partition 20261125 --data ./data
    """  # noqa: D301 - \b keeps the lines of the examples apart
    where, clock = zone(tz), SystemClock()
    question = Question(
        query=query,
        start=instant(since, where, clock, option="--since"),
        end=instant(until, where, clock, option="--until"),
        partitions=tuple(sorted(set(partition or ()))),
    )
    place = open_place(to, storage_of(load(config)))
    with (
        open_yard(str(data) if data is not None else source, config=config) as yard,
        progress("records", quiet=quiet) as shown,
    ):
        done = Export(yard, place, shown).run(question)
    if not quiet:
        sys.stderr.write(f"{done.rows:,} records are in {done.files} files in {to}\n")


app = application(export)
