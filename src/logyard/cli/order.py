"""What a command that ships was told on its command line, for a process that has not parsed it.

Typer and what it brings hold nine megabytes, more than all that a shipper has to remember; a shipper lives for months
and parses once. So a child parses, says what it has understood, and goes; the process that was started ships.
"""

import os
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from typing import NoReturn

import msgspec

__all__ = ["Order", "Section", "parsed_apart"]


Section = dict[str, object]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """Settings on top of those in ``file``, which come beside what is named here."""

    file: str = ""
    """A file of settings; "": none."""
    flags: dict[str, object]
    """Single settings, by path; they win over the file's."""
    receivers: Sequence[Section] = ()
    outputs: Sequence[Section] = ()
    steps: Sequence[Section] = ()
    """Before those of the file."""
    rules: Sequence[Section] = ()
    """Steps, in case that the file names none."""
    once: bool = False
    quiet: bool = False


def parsed_apart(parse: Callable[[Callable[[Order], None]], int]) -> Order | int:
    """What ``parse`` hands on; or its exit code, when it hands on nothing. It runs in a child of this process, and says
    what is wrong by itself.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.close(reader)
        _parse_and_end(parse, writer)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read()
    _, status = os.waitpid(child, 0)
    return msgspec.json.decode(said, type=Order) if said else os.waitstatus_to_exitcode(status)


def _parse_and_end(parse: Callable[[Callable[[Order], None]], int], writer: int) -> NoReturn:
    code = 1
    try:
        with os.fdopen(writer, "wb") as pipe:
            code = parse(lambda order: _say(pipe.write, order))
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except Exception:  # noqa: BLE001 - this is where the child ends: nobody above could say it
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        # Nothing of the parent's is to be ended here a second time.
        os._exit(code)


def _say(write: Callable[[bytes], int], order: Order) -> None:
    write(msgspec.json.encode(order))
