"""The terminal: when to colour, and how to keep what a log says from driving it."""

import re
from typing import Final, TextIO

import msgspec

from logyard.cli.options import ColorWhen
from logyard.cli.output import write
from logyard.config import variable

__all__ = ["LEVEL_STYLES", "is_colored", "is_terminal", "paint", "without_controls", "write"]

RESET: Final = "\x1b[0m"
DIM: Final = "\x1b[2m"
BOLD: Final = "\x1b[1m"

LEVEL_STYLES: Final = {
    "TRACE": "\x1b[2m",
    "DEBUG": "\x1b[36m",
    "INFO": "\x1b[32m",
    "WARNING": "\x1b[33m",
    "ERROR": "\x1b[31m",
    "CRITICAL": "\x1b[1;97;41m",
}
"""Level to escape sequence, in the colours of the terminal's own palette."""

# C0 but for tab and line feed, DEL, C1, and what turns or hides text: marks, overrides, isolates.
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_LATIN_1: Final = 0xFF


def is_terminal(stream: TextIO) -> bool:
    """A person is looking."""
    return stream.isatty()


def is_colored(when: ColorWhen, stream: TextIO) -> bool:
    """Colour this stream? The flag decides, then NO_COLOR, then CLICOLOR_FORCE, then what it is."""
    if when is not ColorWhen.AUTO:
        return when is ColorWhen.ALWAYS
    if variable("NO_COLOR"):
        return False
    if variable("CLICOLOR_FORCE") not in {"", "0"}:
        return True
    return stream.isatty() and variable("TERM") != "dumb"


def paint(text: str, style: str) -> str:
    """``text`` in ``style``; as it is when there is no style."""
    return f"{style}{text}{RESET}" if style and text else text


def without_controls(text: str) -> str:
    r"""``text`` with control characters written out: ``\x1b``, ``\u202e``. Tabs and line feeds stay.

    Nothing in a log line can then move the cursor, change colours or titles, or turn the text around.
    """
    return _CONTROLS.sub(_written_out, text)


def json_without_controls(text: str) -> str:
    """The same for JSON, which means the same afterwards."""
    return _CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _written_out(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code <= _LATIN_1 else f"\\u{code:04x}"


def write_json(value: object) -> None:
    """A value as JSON for people to read."""
    write(msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n")
