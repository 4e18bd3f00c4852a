"""Writing to stdout; imports nothing that takes time."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_end", "write", "write_bytes"]


def write(text: str) -> None:
    """To stdout, at once. Ends the process, with 0, when nobody reads any more: that is no failure."""
    with quiet_end():
        sys.stdout.write(text)
        sys.stdout.flush()


def write_bytes(data: bytes) -> None:
    """The same for bytes; all of them, also when a signal comes and nothing is buffered (PYTHONUNBUFFERED)."""
    rest = memoryview(data)
    with quiet_end():
        while rest:
            rest = rest[sys.stdout.buffer.write(rest) :]
        sys.stdout.buffer.flush()


@contextmanager
def quiet_end() -> Iterator[None]:
    """End the process, with 0, when a write inside finds that nobody reads stdout any more."""
    try:
        yield
    except BrokenPipeError:
        # What is still buffered has no reader; the interpreter would complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
