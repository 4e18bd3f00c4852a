"""``logyard dead-letters``: what a store or an output would not take; look at it, and have it tried again."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from logyard.cli.options import TableOption, TableOutput, application
from logyard.cli.output import write
from logyard.config import load
from logyard.errors import Corrupt, LogyardError, NotFound
from logyard.formats.json.batches import joined
from logyard.formats.json.record import records
from logyard.ingest.dead_letter import Letter, letters
from logyard.model import timestamp

__all__ = ["app"]

DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data", metavar="DIR", help="Directory of the server, or of a ship: ./data. A process may run on it or not."
    ),
]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Take the directory from there.")]
PlaceOption = Annotated[str, typer.Option("--of", metavar="NAME", help="Only of this output, or of the store.")]
IdsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[ID]...", help="Of letters, or how they begin; as list prints them.")
]

app = application()


@app.callback()
def about() -> None:
    """Look at what a store or an output would not take, and have it tried again."""


@app.command("list")
def list_letters(
    *,
    data: DataOption = None,
    config: ConfigOption = None,
    place: PlaceOption = "",
    output: TableOption = TableOutput.TEXT,
) -> None:
    """Print every letter: where it is from, its records and why it is there."""
    found = [_described(letter) for letter in _letters(data, config, place)]
    if output is TableOutput.JSON:
        write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
        return
    for each in found:
        state = "  (to be tried again)" if each.waiting else ""
        reason = each.reason.partition("\n")[0]
        write(f"{each.id}  {each.place}  {each.received or '-'}  {each.records:,} records  {reason}{state}\n")
    if not found:
        sys.stderr.write("no dead letters\n")


@app.command()
def show(
    ids: IdsArgument = None,
    *,
    data: DataOption = None,
    config: ConfigOption = None,
    place: PlaceOption = "",
    limit: Annotated[int, typer.Option("-n", "--limit", min=0, metavar="N", help="Records of each; 0: all.")] = 10,
) -> None:
    """Print the reasons on stderr, and the records as JSON lines."""
    for letter in _chosen(_letters(data, config, place), ids or []):
        sys.stderr.write(f"{letter.id} of {letter.place}: {letter.reason}\n")
        with _readable(letter):
            frame = joined(letter.batches())
        for record in records(frame.head(limit) if limit else frame):
            write(msgspec.json.encode(record).decode() + "\n")


@app.command()
def replay(
    ids: IdsArgument = None,
    *,
    data: DataOption = None,
    config: ConfigOption = None,
    place: PlaceOption = "",
    everything: Annotated[bool, typer.Option("--all", help="All there are.")] = False,
) -> None:
    """Have letters tried again: by the process that runs on the directory within seconds, or by the next that does.

    Records go under the ids they had, so what was taken before all the same is not taken twice. A letter that is
    refused again comes back with the new reason.
    """
    if not ids and not everything:
        raise typer.BadParameter("name letters, or give --all", param_hint="ID")
    wanted = [letter for letter in _chosen(_letters(data, config, place), ids or []) if not letter.waiting]
    for letter in wanted:
        with _readable(letter):
            letter.ask()
    sys.stderr.write(f"{len(wanted)} letters will be tried again\n")


class _Described(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    place: str
    received: str
    """Arrival of its first batch."""
    records: int
    reason: str
    waiting: bool
    """It is to be tried again."""


def _described(letter: Letter) -> _Described:
    try:
        batches = letter.batches()
        reason = letter.reason
    except (Corrupt, OSError) as error:
        batches, reason = [], f"{letter.reason} ({error})"
    return _Described(
        id=letter.id,
        place=letter.place,
        received=timestamp.format_ns(batches[0].received) if batches else "",
        records=sum(batch.rows for batch in batches),
        reason=reason,
        waiting=letter.waiting,
    )


@contextmanager
def _readable(letter: Letter) -> Iterator[None]:
    """It may have been taken by now, or be another user's."""
    try:
        yield
    except OSError as error:
        raise LogyardError(f"cannot get at dead letter {letter.id}: {error.strerror}") from error


def _letters(data: Path | None, config: Path | None, place: str) -> Sequence[Letter]:
    directory = data or load(config).data
    if not directory.is_dir():
        raise NotFound(f"{directory} is no directory: give --data, or --config")
    return [letter for letter in letters(directory / "dead_letters") if place in {"", letter.place}]


def _chosen(found: Sequence[Letter], ids: Sequence[str]) -> Iterator[Letter]:
    """Those that are named, or all. Raises ``NotFound``, ``LogyardError`` for a beginning that several have."""
    if not ids:
        yield from found
    for text in ids:
        named = [letter for letter in found if letter.id.startswith(text)]
        if not named:
            raise NotFound(f"there is no dead letter {text!r}")
        if len({letter.id for letter in named}) > 1:
            raise LogyardError(f"{text!r} begins {len(named)} dead letters: say more of the id")
        yield from named
