"""Run a function of one's own."""

import runpy
from collections.abc import Callable, Mapping
from typing import Final, Literal, cast

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.model.schema import FRAME
from logyard.pipeline.records import back, records
from logyard.registry import component

__all__ = ["Script", "ScriptConfig"]

_FUNCTION: Final = "process"
Mode = Literal["frame", "record"]


class ScriptConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``file``: Python file with a function ``process``; or ``code``: its text. ``mode``: what it is given and gives
    back.

    ``frame``: a Polars frame in the canonical columns (model/schema.py), and a frame in the same columns. ``record``:
    one record as a dict (``timestamp`` in nanoseconds, ``level``, ``message``, ..., attributes under their own names),
    and that dict, changed or not, None to leave it out, or a list of dicts. That is a hundred times slower.
    """

    file: str = ""
    code: str = ""
    mode: Mode = "frame"


_EXAMPLE = """\
mode = "record"
code = '''
def process(record):
    record["message"] = record["message"].strip()
    return record if record["message"] else None
'''
"""


@component("script", config=ScriptConfig, example=_EXAMPLE)
class Script:
    """Run a Python function of one's own on every batch, or, slower, on every record."""

    def __init__(self, config: ScriptConfig) -> None:
        """Runs the file. Raises ``BadConfig`` when it fails, or holds no such function."""
        if bool(config.file) == bool(config.code):
            raise BadConfig("say a file, or code", path="file")
        self._process = _function(config)
        self._each = config.mode == "record"

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """What the function leaves. A record it fails on keeps all it had and gains ``processing_error``."""
        if self._each:
            return back(frame, [_called(self._process, record) for record in records(frame)])
        return _checked(self._process(frame))


def _function(config: ScriptConfig) -> Callable[[object], object]:
    name = config.file or "<code>"
    try:
        if config.file:
            found = runpy.run_path(config.file)
        else:
            found = {}
            exec(compile(config.code, name, "exec"), found)  # noqa: S102 - the owner's own code, from his configuration
    except OSError as error:
        raise BadConfig(f"cannot read {config.file}: {error.strerror}", path="file") from error
    except Exception as error:
        raise BadConfig(f"{name} fails: {type(error).__name__}: {error}", path="file") from error
    function = found.get(_FUNCTION)
    if not callable(function):
        raise BadConfig(f"{name} holds no function {_FUNCTION!r}", path="file")
    return cast("Callable[[object], object]", function)


def _called(process: Callable[[object], object], record: Mapping[str, object]) -> object:
    """What it gives back, or the error that it raised."""
    try:
        return process(dict(record))
    except Exception as error:  # noqa: BLE001 - a user's function may raise what it likes
        return error


def _checked(frame: object) -> pl.DataFrame:
    """In the canonical schema. Raises for anything else: the chain looks for the records that are at fault."""
    if not isinstance(frame, pl.DataFrame):
        raise TypeError(f"{_FUNCTION} gave back {type(frame).__name__}, not a frame")
    missing = [name for name in FRAME if name not in frame.columns]
    if missing:
        raise ValueError(f"{_FUNCTION} gave back a frame without {', '.join(missing)}")
    own = [name for name in frame.columns if name not in FRAME and name.startswith("_")]
    typed = frame.select(*(pl.col(name).cast(kind) for name, kind in FRAME.items()), *own)
    if sum(typed.select(FRAME.names()).null_count().row(0)):
        raise ValueError(f"{_FUNCTION} gave back a frame with nulls")
    return typed
