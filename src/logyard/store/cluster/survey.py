"""What a parcel's lines can need, found here by searching bytes: the lines travel to the server only once.

The embedded store lets the engine survey a segment (``mapping.survey_select``). Here the answer must only never be too
little: a known key counts as there when its quoted name stands anywhere in the bytes, and any escape that could spell
one of its letters makes all of them count. Too much costs the server some microseconds a row, no more.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

import polars as pl

from logyard.model.batch import Batch, Encoded
from logyard.model.reading import Reading
from logyard.store.mapping import Survey, known_keys

__all__ = ["survey"]

_LOOKED_AT: Final = 64 << 10
"""Bytes of the first and the last batch in which keys are looked for one by one: most that there are occur here."""
_UTF16: Final = 4
"""Digits of an escape."""


def survey(batches: Iterable[Batch], reading: Reading) -> Survey:
    """Of the lines of these batches that are read so. Never less than ``mapping.survey_select`` would find."""
    bodies = [body.lines for body in _bodies(batches) if body.reading == reading]
    texts = pl.Series([bytes(body) for body in bodies], dtype=pl.Binary).cast(pl.String)
    return Survey(_keys(texts, bodies, known_keys(reading)), _most_braces(texts))


def _bodies(batches: Iterable[Batch]) -> Iterator[Encoded]:
    return (batch.body for batch in batches if isinstance(batch.body, Encoded))


def _keys(texts: pl.Series, bodies: Sequence[bytes], known: Sequence[str]) -> frozenset[str]:
    if texts.str.contains(_escapes(known)).any():
        return frozenset(known)
    head = b"".join(bytes(body[:_LOOKED_AT]) for body in (*bodies[:1], *bodies[-1:]))
    found = {key for key in known if _quoted(key).encode() in head}
    rest = [key for key in known if key not in found]
    # One pass for all that seem to be missing; only a key that came late is worth a second one.
    while rest and texts.str.contains_any([_quoted(key) for key in rest]).any():
        late = {key for key in rest if texts.str.contains(_quoted(key), literal=True).any()}
        found |= late
        rest = [key for key in rest if key not in late]
    return frozenset(found)


def _quoted(key: str) -> str:
    return f'"{key}"'


def _escapes(known: Iterable[str]) -> str:
    """A pattern for JSON escapes of any character that occurs in a known key."""
    characters = sorted(set(chain.from_iterable(known)))
    units = {character.encode("utf-16-be")[:2].hex().rjust(_UTF16, "0") for character in characters}
    slash = "|\\\\/" if "/" in characters else ""
    return rf"\\u(?i:{'|'.join(sorted(units))}){slash}"


def _most_braces(texts: pl.Series) -> int:
    """The most ``{`` in one line."""
    lines = texts.str.split("\n").explode()
    most = lines.str.count_matches("{", literal=True).max()
    return int(most) if isinstance(most, int) else 0
