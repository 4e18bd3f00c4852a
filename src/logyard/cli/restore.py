"""``logyard restore``: a backup into a new directory."""

import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.options import application
from logyard.cli.progress import progress
from logyard.config import load
from logyard.errors import Corrupt, MissingPart
from logyard.store.backup import Backup, backups, chain, refuse_filled, restore_into, verify
from logyard.store.descend import storage_of
from logyard.store.places import Place, open_place

__all__ = ["app"]


def restore(
    place: Annotated[str, typer.Option("--from", metavar="PLACE", help="A folder, or s3://bucket/prefix.")],
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where to: a directory that is empty or new.")],
    *,
    name: Annotated[str, typer.Option("--name", help="Which one; the newest without it.")] = "",
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="Settings: object storage and its keys.")
    ] = None,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Do not read the backup twice: skip comparing its checksums first.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")] = False,
) -> None:
    """Make a data directory out of a backup. 'logyard up --data DIR' then goes on with it.

    The backup is verified first. The directory appears under its name when it is whole: a try that was killed
    left DIR.restoring, which the next one removes. Idempotency keys are known again, as they were.

    \b
    logyard restore --from /backups/logyard --data ./data
    """  # noqa: D301 - \b keeps the lines of the examples apart
    refuse_filled(data)
    opened = open_place(place, storage_of(load(config)))
    links = chain(backups(opened), name)
    if not unverified:
        _verify(opened, links, quiet=quiet)
    rows = _restore(opened, links, data.absolute())
    if not quiet:
        sys.stderr.write(f"{rows:,} records of {links[0].name} are in {data}; 'logyard up --data {data}' goes on\n")


app = application(restore)


def _verify(place: Place, links: Sequence[Backup], *, quiet: bool) -> None:
    """Raises ``Corrupt``."""
    with progress("bytes", quiet=quiet) as shown:
        shown.expect(sum(link.bytes for link in links))
        found = list(verify(place, links, lambda size: shown.advance(size, "verifying")))
    if found:
        first = f"{found[0].file} {found[0].what}"
        raise Corrupt(
            f"{place.url}: {len(found)} files of {links[0].name} are damaged, the first: {first}. "
            f"Nothing was restored; 'logyard backup verify {place.url}' names all"
        )


def _restore(place: Place, links: Sequence[Backup], data: Path) -> int:
    """How many records the directory holds."""
    try:
        from logyard.store.embedded import EmbeddedStore  # noqa: PLC0415 - start-up time, and an optional part
    except ModuleNotFoundError as error:
        raise MissingPart("a restore", "server") from error
    beside = data.with_name(f"{data.name}.restoring")
    shutil.rmtree(beside, ignore_errors=True)
    store = EmbeddedStore(beside / "store")
    try:
        rows = restore_into(store, place, links)
    finally:
        store.close()
    EmbeddedStore(beside / "store").close()  # brings an older schema up to date
    (beside / "wal").mkdir()
    os.sync()
    if data.exists():
        data.rmdir()
    beside.rename(data)
    return rows
