"""Writing to stdout; imports nothing that takes time."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["quiet_end", "write", "write_bytes"]

_STDOUT, _STDERR = 1, 2


def write(text: str) -> None:
    """To stdout, at once. Ends the process, with 0, when nobody reads any more: that is no failure."""
    with quiet_end():
        sys.stdout.write(text)
        sys.stdout.flush()


def write_bytes(out: bytes, err: bytes = b"") -> None:
    """Exact bytes to stdout and to stderr, at once; as ``write``. All of them, also when a signal comes and nothing is
    buffered (PYTHONUNBUFFERED).
    """
    with quiet_end():
        _whole(_STDOUT, out)
        _whole(_STDERR, err)


@contextmanager
def quiet_end() -> Iterator[None]:
    """End the process, with 0, when a write inside finds that nobody reads stdout any more."""
    try:
        yield
    except BrokenPipeError:
        # What is still buffered has no reader; the interpreter would complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


def _whole(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
