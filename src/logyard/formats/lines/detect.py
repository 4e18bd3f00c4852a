"""Detection: which formats the lines of a source are in, found out from the lines and never decided for good.

A batch is taken apart by the formats that the source has been seen to use, the one that says most first. A few lines of
every batch are looked at closer: those that begin as none has begun before, by all formats, so that a better one is
noticed when the source changes; and so are lines that none of the known formats fits. So JSON and plain text in one
file, a new version that logs differently, or a header in between cost a look, and no line. What fits nothing is a
message, and counted.

A look by all formats is dear (their expressions are compiled anew, 50 ms), so what a look said about a beginning is
remembered.

Lines inside of lines (Docker's JSON, CRI, syslog) are taken apart by a detector of their own.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.formats.lines.assemble import plain
from logyard.formats.lines.catalog import automatic, line_format
from logyard.formats.lines.unwrap import unwrapped
from logyard.model.civil.customs import DEFAULT_CUSTOMS, Customs
from logyard.model.civil.zones import check_zone
from logyard.model.severity import TABLE
from logyard.ports import Decoded, LineFormat

__all__ = ["Detector", "DetectorState"]

_SAMPLE: Final = 16
"""Lines of a batch that all formats look at."""
_ROUNDS: Final = 4
"""Formats that are newly found in one batch, at most."""
_FORGET: Final = 8
"""Batches after which a format that fitted nothing is no longer tried first."""
_MOST: Final = 1000
"""Beginnings that are remembered."""
_LEVEL: Final = "|".join(word for word in TABLE if word.isalpha() and len(word) > 1)
_MONTH: Final = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_SHAPE: Final = (
    (re.compile(rf"\b(?:{_LEVEL})\b", re.IGNORECASE), "!"),
    (re.compile(rf"\b(?:{_MONTH})\b"), "@"),
    (re.compile(r"[0-9]+"), "9"),
    (re.compile(r"[^\W\d_]+"), "a"),
    (re.compile(r"\s+"), " "),
)
"""Words that formats look for are no words like any other: ``ERROR: no luck`` is not ``Dear: no luck``."""
_LENGTH: Final = 40
"""Characters of a line that are its beginning."""
_DEEPEST: Final = 2
"""Wrappings inside of wrappings that are opened."""


class DetectorState(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector has learnt, to be kept beside the position in the source."""

    known: tuple[str, ...] = ()
    headers: dict[str, str] = {}
    """Formats that live by a header in the source, and what it said."""


class Detector:
    """One per source. Not for two threads at once."""

    def __init__(
        self,
        form: str | LineFormat = "auto",
        state: DetectorState | None = None,
        *,
        customs: Customs = DEFAULT_CUSTOMS,
        depth: int = 0,
    ) -> None:
        """``form``: a format, by name or of one's own, or ``auto``. Raises ``BadConfig`` for a name or a zone that is
        none.

        ``customs`` are the source's settings; their ``now`` is replaced by that of each batch.
        """
        check_zone(customs.zone)
        self._customs = customs
        self._formats: Mapping[str, LineFormat] = _formats(form)
        self._fixed = form != "auto"
        self._idle: dict[str, int] = dict.fromkeys(self._formats, 0) if self._fixed else {}
        """Known format -> batches since it fitted a line."""
        self._seen: set[str] = set()
        """Beginnings of lines that all formats have looked at."""
        self._hopeless: set[str] = set()
        """Beginnings of lines that no format fits."""
        self._depth = depth
        self._inner: Detector | None = None
        self.unknown = 0
        """Lines so far that fitted nothing."""
        if state:
            self._restore(state)

    @property
    def is_fixed(self) -> bool:
        """The format was given, so that a line that does not fit is an error."""
        return self._fixed

    @property
    def known(self) -> Sequence[str]:
        """The formats that are tried first, the one that says most in front."""
        return [name for name in self._formats if name in self._idle]

    def state(self) -> DetectorState:
        """What must be kept so that another detector goes on where this one stopped."""
        headers = {name: str(getattr(form, "header", "")) for name, form in self._formats.items()}
        return DetectorState(known=tuple(self.known), headers={name: text for name, text in headers.items() if text})

    def decode(self, lines: pl.Series, now: int) -> pl.DataFrame:
        """A record for every line, in their order, in the canonical schema. ``now`` in nanoseconds: the arrival."""
        lines = lines.fill_null("")
        customs = msgspec.structs.replace(self._customs, now=now)
        batch = _Batch(lines, customs, demanded=self.known[0] if self._fixed else "")
        for name in self._tried(lines):
            self._apply(name, batch)
        for _ in range(0 if self._fixed else _ROUNDS):
            strange = self._unseen(batch.pending, self._hopeless)
            if not strange.len():
                break
            if not self._apply_all(_best(self._formats, strange), batch):
                self._hopeless.update(map(_beginning, strange))
        if lines.len() and not self._fixed:
            self._remember(batch.used)
        self.unknown += batch.pending.len()
        return batch.finished()

    def _tried(self, lines: pl.Series) -> Sequence[str]:
        """The known formats and those that a look at the batch suggests, the one that says most first."""
        if not self._fixed and lines.len():
            strange = self._unseen(lines, self._seen)
            self._seen.update(map(_beginning, strange))
            for name in _best(self._formats, strange):
                self._idle.setdefault(name, 0)
        return self.known

    @staticmethod
    def _unseen(lines: pl.Series, seen: set[str]) -> pl.Series:
        """Of a sample of the lines those that do not begin like one in ``seen``."""
        if len(seen) > _MOST:
            seen.clear()
        sample = {_beginning(line): line for line in _sample(lines)}
        return pl.Series([line for beginning, line in sample.items() if beginning not in seen], dtype=pl.String)

    def _apply_all(self, names: Sequence[str], batch: "_Batch") -> bool:
        """Whether any of them took something."""
        before = batch.pending.len()
        for name in names:
            self._apply(name, batch)
        return batch.pending.len() < before

    def _apply(self, name: str, batch: "_Batch") -> None:
        """Take what this format fits out of the batch."""
        if not batch.pending.len():
            return
        decoded = self._formats[name].decode(batch.pending, batch.customs)
        if decoded.wrapped is not None and decoded.wrapped.any() and self._depth < _DEEPEST:
            decoded = msgspec.structs.replace(
                decoded, frame=self._opened(decoded.frame, decoded.wrapped, batch.customs)
            )
        batch.take(decoded)
        if decoded.frame.height:
            batch.used.add(name)

    def _opened(self, frame: pl.DataFrame, wrapped: pl.Series, customs: Customs) -> pl.DataFrame:
        if self._inner is None:
            self._inner = Detector(customs=self._customs, depth=self._depth + 1)
        rows = wrapped.arg_true()
        inner = self._inner.decode(frame["message"].gather(rows), customs.now)
        return unwrapped(frame, rows, inner)

    def _remember(self, used: set[str]) -> None:
        idle = {name: 0 if name in used else batches + 1 for name, batches in self._idle.items()}
        self._idle = {name: batches for name, batches in idle.items() if batches <= _FORGET} | dict.fromkeys(used, 0)

    def _restore(self, state: DetectorState) -> None:
        for name in state.known:
            if name in self._formats:
                self._idle[name] = 0
        for name, text in state.headers.items():
            if hasattr(self._formats.get(name), "header"):
                setattr(self._formats[name], "header", text)  # noqa: B010 - only some formats have one


class _Batch:
    """A batch on its way: what is still to be done, and what was made of the rest."""

    def __init__(self, lines: pl.Series, customs: Customs, *, demanded: str) -> None:
        self.pending = lines
        self.customs = customs
        self.used: set[str] = set()
        """Formats that fitted a line."""
        self._demanded = demanded
        """The format that was asked for by name: what does not fit it is an error, and says so."""
        self._rows: pl.Series | None = None
        """Rows of ``pending`` in the whole batch; None as long as it is the whole batch."""
        self._places: list[pl.Series] = []
        self._frames: list[pl.DataFrame] = []

    def take(self, decoded: Decoded) -> None:
        """Lines that fit are done."""
        if not decoded.frame.height:
            return
        rows = pl.Series(range(self.pending.len()), dtype=pl.UInt32) if self._rows is None else self._rows
        self._frames.append(decoded.frame)
        self._places.append(rows if decoded.frame.height == rows.len() else rows.filter(decoded.fits))
        self._rows = rows.filter(~decoded.fits)
        self.pending = self.pending.filter(~decoded.fits)

    def finished(self) -> pl.DataFrame:
        """All records in the order of the lines; what is left over is a message."""
        if self.pending.len() or not self._frames:
            fits = pl.Series([True], dtype=pl.Boolean).new_from_index(0, self.pending.len())
            rest = Decoded(frame=plain(self.pending, self.customs, unlike=self._demanded), fits=fits)
            if not self._frames:
                return rest.frame
            self.take(rest)
        if len(self._frames) == 1:
            return self._frames[0]
        return pl.concat(self._frames)[pl.concat(self._places).arg_sort()]


def _formats(form: str | LineFormat) -> Mapping[str, LineFormat]:
    if not isinstance(form, str):
        return {"own": form}
    return automatic() if form == "auto" else {form: line_format(form)}


def _beginning(line: str) -> str:
    """The shape of the first characters."""
    return _shape(line[:_LENGTH])


def _shape(line: str) -> str:
    """A line without what differs from line to line: ``2024-05-06 ERROR x`` is ``9-9-9 ! a``."""
    for what, mark in _SHAPE:
        line = what.sub(mark, line)
    return line


def _sample(lines: pl.Series) -> pl.Series:
    """Some lines from all over the batch."""
    return lines.gather_every(max(1, lines.len() // _SAMPLE)).head(_SAMPLE)


def _best(formats: Mapping[str, LineFormat], sample: pl.Series) -> list[str]:
    """For each line of the sample the format that says most about it; without repetition."""
    found: dict[str, None] = {}
    for name in _HEADED:
        if name in formats and sample.len():
            fits = formats[name].fits(sample).fill_null(value=False)
            found |= {name: None} if fits.any() else {}
            sample = sample.filter(~fits)
    looked_up = {line: _RECENT.get(_shape(line)) for line in sample}
    found |= dict.fromkeys(name for name in looked_up.values() if name)
    rest = pl.Series([line for line, name in looked_up.items() if name is None], dtype=pl.String)
    if rest.len():
        found |= dict.fromkeys(name for name in _looked_at(formats, rest) if name)
    return list(found)


def _looked_at(formats: Mapping[str, LineFormat], lines: pl.Series) -> list[str]:
    """The same by looking at every line with every format: dear. "" for lines that none fits."""
    if len(_RECENT) > _MOST * 10:
        _RECENT.clear()
    names: list[str] = []
    for name, form in formats.items():
        fits = form.fits(lines).fill_null(value=False)
        if fits.any() and name not in _HEADED:
            names.append(name)
            _RECENT.update(dict.fromkeys(map(_shape, lines.filter(fits)), name))
            lines = lines.filter(~fits)
        if not lines.len():
            break
    _RECENT.update(dict.fromkeys(map(_shape, lines), ""))
    return names


_HEADED: Final = ("w3c",)
"""Formats that fit by what the source said before, and are asked each time."""

_RECENT: Final[dict[str, str]] = {}
"""Shape of a line -> the format that says most about such a line, "" for none. For all sources of the process: ten
thousand files of one kind are looked at once.
"""
