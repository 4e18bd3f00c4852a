"""Exceptions in structure: type, message, frames, and what they were caused by.

``capture`` runs on the caller's thread and takes names and numbers only, so that no frame, and nothing that a frame
holds, lives on in the queue. The lines of source are looked up when the record is written.
"""

import linecache
from collections.abc import Iterator
from itertools import islice
from types import TracebackType
from typing import Final, NamedTuple

from logyard.handler.plain import Plain, safe_str

__all__ = ["Captured", "capture", "described"]

_FRAMES: Final = 60
"""Of each exception; of a deeper one, the innermost."""
_CHAIN: Final = 8
_MEMBERS: Final = 16
"""Of an exception group."""

Frame = tuple[str, int, str]
"""File, line, function."""


class Captured(NamedTuple):
    """One exception; ``link`` says what the next one is to it: ``cause`` or ``context``."""

    kind: str
    message: str
    frames: tuple[Frame, ...]
    skipped: int
    notes: tuple[str, ...]
    members: tuple["Captured", ...]
    link: str
    next: "Captured | None"


def capture(error: BaseException, traceback: TracebackType | None = None, *, depth: int = _CHAIN) -> Captured:
    """What there is to say about ``error`` once it is gone."""
    trace = list(_frames(traceback or error.__traceback__))
    link, following = _next(error)
    members = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    kind = type(error)
    return Captured(
        kind=kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}",
        message=safe_str(error),
        frames=tuple(trace[-_FRAMES:]),
        skipped=max(0, len(trace) - _FRAMES),
        notes=tuple(safe_str(note) for note in getattr(error, "__notes__", ())),
        members=tuple(capture(each, depth=depth - 1) for each in islice(members, _MEMBERS)) if depth else (),
        link=link,
        next=capture(following, depth=depth - 1) if following is not None and depth else None,
    )


def _next(error: BaseException) -> tuple[str, BaseException | None]:
    if error.__cause__ is not None:
        return "cause", error.__cause__
    return "context", None if error.__suppress_context__ else error.__context__


def _frames(traceback: TracebackType | None) -> Iterator[Frame]:
    while traceback is not None:
        code = traceback.tb_frame.f_code
        yield code.co_filename, traceback.tb_lineno, code.co_name
        traceback = traceback.tb_next


def described(found: Captured) -> dict[str, Plain]:
    """As it stands in a record; frames go from the outermost to where it was raised."""
    shown: dict[str, Plain] = {
        "type": found.kind,
        "message": found.message,
        "frames": [_frame(*frame) for frame in found.frames],
    }
    if found.skipped:
        shown["frames_skipped"] = found.skipped
    if found.notes:
        shown["notes"] = list(found.notes)
    if found.members:
        shown["exceptions"] = [described(member) for member in found.members]
    if found.next is not None:
        shown[found.link] = described(found.next)
    return shown


def _frame(file: str, line: int, function: str) -> Plain:
    code = linecache.getline(file, line).strip()
    frame: dict[str, Plain] = {"file": file, "line": line, "function": function}
    return frame | {"code": code} if code else frame
