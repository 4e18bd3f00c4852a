"""``logyard import``: Parquet files into the store."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.importing import Import, Imported
from logyard.cli.options import DEFAULT_URL, UrlOption, application
from logyard.cli.progress import progress
from logyard.cli.yard import open_yard
from logyard.config import load
from logyard.store.descend import storage_of
from logyard.store.places import Folder, Place, open_place

__all__ = ["app"]


def import_(
    source: Annotated[str, typer.Argument(metavar="PLACE", help="A folder, a file, or s3://bucket/prefix.")],
    *,
    url: UrlOption = DEFAULT_URL,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Into this directory, on which no server runs.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings: object storage and its keys.")
    ] = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Take Parquet files: those of 'logyard export' as they were, others by the names of their columns.

    Columns with a known spelling (time, level, msg, service, ...) fill that column, the rest become attributes.
    The same file again stores nothing again, and an import that was stopped goes on when it is started again.

    \b
    logyard import ./archive
    logyard import access.parquet --url http://big:8005
    """  # noqa: D301 - \b keeps the lines of the examples apart
    place, names = _files(source, config)
    if not names:
        raise typer.BadParameter(f"there are no .parquet files in {source}", param_hint="PLACE")
    with (
        open_yard(str(data) if data is not None else url, config=config, create=True) as yard,
        progress("records", quiet=quiet) as shown,
    ):
        done = Import(yard, shown).run(place, names)
    if not quiet:
        sys.stderr.write(_summary(done))


app = application(import_)


def _files(source: str, config: Path | None) -> tuple[Place, list[str]]:
    path = Path(source)
    if path.is_file():
        return Folder(path.parent), [path.name]
    place = open_place(source, storage_of(load(config)))
    return place, Import.files(place)


def _summary(done: Imported) -> str:
    return f"{done.files} files with {done.rows:,} records are stored, {done.stored:,} of them new\n"
