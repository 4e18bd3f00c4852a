"""``logyard backup``: back up, list, verify."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.options import DEFAULT_URL, TableOption, TableOutput, UrlOption, application
from logyard.cli.progress import progress
from logyard.cli.terminal import write, write_json
from logyard.cli.yard import open_yard
from logyard.config import load
from logyard.errors import Corrupt
from logyard.store.backup import Backup, backups, chain, verify
from logyard.store.descend import storage_of
from logyard.store.places import Place, open_place

__all__ = ["app"]

PlaceArgument = Annotated[str, typer.Argument(metavar="PLACE", help="A folder, or s3://bucket/prefix.")]
ConfigOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings: object storage and its keys.")
]

app = application()


@app.callback(invoke_without_command=True)
def backup(
    context: typer.Context,
    *,
    to: Annotated[str, typer.Option("--to", metavar="PLACE", help="A folder, or s3://bucket/prefix.")] = "",
    full: Annotated[bool, typer.Option("--full", help="One that needs no earlier one.")] = False,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Of this directory, on which no server runs.")
    ] = None,
    config: ConfigOption = None,
    url: UrlOption = DEFAULT_URL,
) -> None:
    """Back up everything that was acknowledged before, while the server runs.

    The server writes, so the place is as the server sees it, and object storage is the one of the server's section
    [s3]. What an earlier backup in the same place holds is not written again.

    \b
    logyard backup --to /backups/logyard
    logyard backup --to s3://bucket/logyard --data ./data
    logyard backup verify /backups/logyard
    """  # noqa: D301 - \b keeps the lines of the examples apart
    if context.invoked_subcommand is not None:
        return
    if not to:
        raise typer.BadParameter("say where to", param_hint="--to")
    where = to if "://" in to else str(Path(to).absolute())
    with open_yard(str(data) if data is not None else url, config=config) as yard:
        done = yard.back_up(where, full=full)
    after = f" after {done.base}" if done.base else ""
    write(f"{done.name}{after}: {done.rows:,} records; {done.files:,} files, {done.bytes:,} bytes written to {to}\n")
    for part, state in done.degraded.items():
        sys.stderr.write(f"not in it: {part}: {state}\n")


@app.command(name="list", short_help="the backups in a place")
def list_(place: PlaceArgument, *, output: TableOption = TableOutput.TEXT, config: ConfigOption = None) -> None:
    """Print the backups in a place, the oldest first."""
    found = backups(_place(place, config))
    if output is TableOutput.JSON:
        write_json(list(map(_shown, found)))
        return
    for each in found:
        after = f"after {each.base}" if each.base else "full"
        write(f"{each.name}  {each.rows:>15,} records  {each.bytes:>15,} bytes  {after}\n")


@app.command(name="verify", short_help="read a backup and compare it with its checksums")
def verify_(
    place: PlaceArgument,
    *,
    name: Annotated[str, typer.Option("--name", help="Which one; the newest without it.")] = "",
    config: ConfigOption = None,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Read every file of a backup, and of those before it that it needs, and compare them with their checksums.

    Each file that is missing or has changed is named; then the command exits with 1.
    """
    opened = _place(place, config)
    links = chain(backups(opened), name)
    with progress("bytes", quiet=quiet) as shown:
        shown.expect(sum(link.bytes for link in links))
        found = [
            f"{each.file} {each.what}"
            for each in verify(opened, links, lambda size: shown.advance(size, links[0].name))
        ]
    if found:
        raise Corrupt(f"{place}: {len(found)} files of {links[0].name} are damaged:\n" + "\n".join(found))
    files = sum(len(link.files) for link in links)
    write(f"{links[0].name}: {files:,} files in {len(links)} backups are as they were written\n")


def _place(text: str, config: Path | None) -> Place:
    return open_place(text, storage_of(load(config)))


def _shown(each: Backup) -> dict[str, object]:
    return {"name": each.name, "base": each.base, "rows": each.rows, "bytes": each.bytes, "files": len(each.files)}
