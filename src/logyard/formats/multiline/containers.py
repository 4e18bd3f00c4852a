r"""What container engines write around the lines of a program: Docker's json-file and the CRI's lines.

    docker   {"log":"text\n","stream":"stdout","time":"2026-01-01T00:00:00.1Z"}; a line over 16 KB comes as several,
             of which only the last ends with a newline
    cri      2026-01-01T00:00:00.1+00:00 stdout F text; P for a part of a line, F for its last part or a whole one

Columns in, columns out. A line that is not of this kind is its own text, of no stream.
"""

from typing import Final, Literal

import msgspec
import polars as pl

__all__ = ["Carried", "Engine", "carried", "engine_of"]

Engine = Literal["docker", "cri"]

_CRI: Final = r"^([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+)) (stdout|stderr) ([FP])(?::[^ ]*)? ((?s:.*))$"
_DOCKER: Final = (
    r'^\{"log":"(?:[^"\\]|\\.)*"(?:,"stream":"std(?:out|err)")?(?:,"attrs":\{[^{}]*\})?,"time":"[^"\\]*"\}\s*$'
)
"""As the engine writes it: its keys and no other."""
_SAMPLE: Final = 16


class _Line(msgspec.Struct, frozen=True, gc=False):
    log: str
    stream: str = ""
    time: str = ""


_DECODER: Final = msgspec.json.Decoder(list[_Line])


class Carried(msgspec.Struct, frozen=True, kw_only=True):
    """Columns, a row for each line."""

    text: pl.Series
    time: pl.Series
    """As the engine wrote it; "" for lines that are none of its own."""
    stream: pl.Series
    """stdout, stderr, or ""."""
    goes_on: pl.Series
    """The text is a part, and more of it follows in the same stream."""


def engine_of(lines: pl.Series) -> Engine | None:
    """Who wrote these lines, by the first of them."""
    first = lines.head(_SAMPLE)
    if first.str.contains(_CRI).any():
        return "cri"
    return "docker" if first.str.contains(_DOCKER).any() else None


def carried(lines: pl.Series, engine: Engine) -> Carried:
    """The program's lines. A program's own CR at the end is none of its text."""
    found = _cri(lines) if engine == "cri" else _docker(lines)
    return msgspec.structs.replace(found, text=found.text.str.strip_suffix("\r"))


def _cri(lines: pl.Series) -> Carried:
    parts = pl.DataFrame({"line": lines}).select(pl.col("line").str.extract_groups(_CRI)).unnest("line")
    time, stream, tag, text = parts.get_columns()
    return Carried(
        text=text.zip_with(time.is_not_null(), lines),
        time=time.fill_null(""),
        stream=stream.fill_null(""),
        goes_on=(tag == "P").fill_null(value=False),
    )


def _docker(lines: pl.Series) -> Carried:
    fits = pl.Series([True]).new_from_index(0, lines.len())
    found = _decoded(lines)
    if found is None:
        fits = lines.str.contains(_DOCKER)
        found = _decoded(lines.filter(fits)) or []
        fits = fits & (len(found) > 0)
    log, stream, time = (pl.Series([getattr(each, name) for each in found], dtype=pl.String) for name in _NAMES)
    rows = fits.arg_true()
    blank = pl.Series([""], dtype=pl.String).new_from_index(0, lines.len())
    whole = pl.Series([False]).new_from_index(0, lines.len())
    return Carried(
        # Each its own copy: scatter changes the series that it is called on.
        text=lines.clone().scatter(rows, log.str.strip_suffix("\n")),
        time=blank.clone().scatter(rows, time),
        stream=blank.clone().scatter(rows, stream),
        goes_on=whole.scatter(rows, ~log.str.ends_with("\n")),
    )


_NAMES: Final = ("log", "stream", "time")


def _decoded(lines: pl.Series) -> list[_Line] | None:
    """All at once; None when one of them is none of the engine's after all."""
    try:
        return _DECODER.decode("[" + ",".join(lines) + "]")
    except msgspec.DecodeError:
        return None
