"""``logyard config``: check a configuration, show what it comes to, print its schema."""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from logyard.cli.checking import mistakes
from logyard.cli.options import TableOption, TableOutput, application
from logyard.cli.output import write
from logyard.cli.settings import effective, json_schema
from logyard.cli.terminal import write_json
from logyard.config import Config, load, settings

__all__ = ["app", "masked", "toml"]

MASK: Final = "******"
_SECRET: Final = re.compile(
    r"password|passwd|secret|token|credential|bearer|authorization|cookie|(?:^|[_-])keys?$", re.IGNORECASE
)
_LOGIN: Final = re.compile(r"(?<=://)([^/@\s:]*):([^/@\s]+)@")
_BARE_KEY: Final = re.compile(r"[A-Za-z0-9_-]+")

FileOption = Annotated[
    Path | None, typer.Option("--config", metavar="FILE", help="Settings: TOML or YAML.", show_default=False)
]

app = application()


@app.callback()
def config() -> None:
    """Check a configuration, show what it comes to, or print its schema."""


@app.command(short_help="name every mistake in a file")
def check(
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="Settings: TOML or YAML.", show_default=False)
    ] = None,
) -> None:
    """Name every mistake in a configuration file, with its path; exits with 1 when there is one.

    The environment is read too, as it is by 'logyard up'; without a file, nothing else.
    """
    found = mistakes(settings(file))
    what = file or "the environment"
    for mistake in found:
        write(f"{mistake}\n")
    if found:
        sys.stderr.write(f"{what}: {len(found)} {'mistake' if len(found) == 1 else 'mistakes'}\n")
        raise typer.Exit(1)
    sys.stderr.write(f"{what}: good\n")


@app.command(short_help="print the effective settings, secrets masked")
def show(file: FileOption = None, *, output: TableOption = TableOutput.TEXT) -> None:
    """Print what 'logyard up' would run with: defaults, file and environment together, secrets masked.

    The text form is TOML, and can be used as a configuration file.
    """
    tree = masked(effective(load(file)))
    if output is TableOutput.JSON:
        write_json(tree)
        return
    write("".join(toml(tree)))


@app.command(short_help="print the JSON Schema")
def schema() -> None:
    """Print the JSON Schema of the configuration; editors complete and check with it."""
    write_json(json_schema(Config))


def masked(tree: Mapping[str, object]) -> dict[str, object]:
    """The same settings without what must stay secret: by their names, and passwords in addresses."""
    return {name: _masked(name, value) for name, value in tree.items()}


def _masked(name: str, value: object) -> object:
    if isinstance(value, dict):
        return masked(value)
    if isinstance(value, list | tuple):
        return [_masked(name, item) for item in value]
    if not isinstance(value, str) or not value:
        return value
    if _SECRET.search(name) and not name.endswith("_file"):
        return MASK
    return _LOGIN.sub(rf"\1:{MASK}@", value)


def toml(tree: Mapping[str, object], path: str = "") -> Iterator[str]:
    """TOML lines: plain settings first, then the sections."""
    sections = {name: value for name, value in tree.items() if isinstance(value, dict)}
    tables = {name: value for name, value in tree.items() if _is_tables(value)}
    for name, value in tree.items():
        if name not in sections and name not in tables and value is not None:
            yield f"{_key(name)} = {_value(value)}\n"
    for name, section in sections.items():
        place = f"{path}{_key(name)}"
        yield f"\n[{place}]\n"
        yield from toml(section, f"{place}.")
    for name, items in tables.items():
        for item in items if isinstance(items, list) else ():
            yield f"\n[[{path}{_key(name)}]]\n"
            yield from (f"{_key(key)} = {_value(value)}\n" for key, value in item.items() if value is not None)


def _is_tables(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    if isinstance(value, dict):
        pairs = (f"{_key(name)} = {_value(item)}" for name, item in value.items() if item is not None)
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    # What is left is written alike in both; TOML wants DEL escaped as well.
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
