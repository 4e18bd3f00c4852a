"""Writing to stdout; imports nothing that takes time."""

import os
import sys

__all__ = ["write"]


def write(text: str) -> None:
    """To stdout, at once. Ends the process, with 0, when nobody reads any more: that is no failure."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered has no reader; the interpreter would complain about it at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
