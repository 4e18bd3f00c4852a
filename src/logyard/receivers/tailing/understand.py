"""Lines that are understood where they are read: joined to records, taken apart by their format, completed.

    lines ──► records (formats/multiline/gather) ──► what they say (formats/lines/detect) ──► what is known of all

What the storing side would understand as well travels as the bytes that it is, for that costs least: JSON of the usual
keys, and lines in no format. Everything by columns; nothing here looks at a line by itself.
"""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
import polars as pl

from logyard.formats.json.settle import block, checked
from logyard.formats.lines.assemble import assembled
from logyard.formats.lines.constants import with_constants
from logyard.formats.lines.detect import Detector, DetectorState
from logyard.formats.lines.fields import fragments, object_of, quoted
from logyard.formats.lines.unwrap import unwrapped
from logyard.formats.multiline.gather import Gathered, Gatherer
from logyard.model.batch import Encoded
from logyard.model.civil.customs import Customs
from logyard.model.reading import Reading
from logyard.receivers.tailing.assemble import Taken
from logyard.receivers.tailing.passing import Passing

__all__ = ["Understood"]

_STATE: Final = msgspec.json.Decoder(DetectorState)
_OBJECT: Final = r"(?s)^\{\s*[^\s}].*\}$"
"""With something in it."""
_OWN_KEYS: Final = ['"time"', '"stream"']
"""What a container engine says of a line, and a line may say of itself."""


class Understood:
    """``assemble.Assembler``."""

    def __init__(
        self,
        form: str,
        gatherer: Gatherer,
        passing: Passing,
        *,
        detector: Callable[[DetectorState | None], Detector],
        now: Callable[[], int],
    ) -> None:
        """``form`` is the setting; ``detector`` makes what takes such lines apart, when it is needed first."""
        self._form = form
        self._gatherer = gatherer
        self._passing = passing
        self._make = detector
        self._now = now
        self._detector: Detector | None = None
        self._state: DetectorState | None = None
        self._learnt = ""

    def recall(self, learnt: str) -> None:
        """Go on with the headers that were seen."""
        if self._detector is None and learnt:
            self._state, self._learnt = _STATE.decode(learnt), learnt

    def take(self, lines: bytes, reading: Reading, *, final: bool) -> Taken:
        """Records up to the first that may go on."""
        raw = msgspec.structs.replace(reading, kind="raw")
        if self._passes(lines):
            return self._checked(block(lines, raw), len(lines))
        rows = _rows(lines)
        found = self._gatherer.gather(rows, final=final)
        used = _end_of(lines, rows.len() - found.taken)
        found = _without_blank(found)
        if not found.text.len():
            return Taken(None, used, learnt=self._learnt)
        if self._form in {"unparsed", "plain"} or self._all_pass(found):
            return self._checked(block(_lines(found, plain=self._form == "plain"), raw), used)
        return self._decoded(found, raw, used)

    def _passes(self, lines: bytes) -> bool:
        """JSON lines and nothing else: each is a record, whatever joins others."""
        if self._form not in {"auto", "json"} or not self._gatherer.leaves_objects:
            return False
        if not lines.startswith(b"{") or lines.count(b"\n{") + 1 != lines.count(b"\n"):
            return False
        return lines.rstrip().endswith(b"}") and self._passing.may_pass(lines)

    def _all_pass(self, found: Gathered) -> bool:
        """The same of what a container's program wrote."""
        if self._form == "json" or found.stream is None or found.joined.any():
            return False
        text = found.text
        if not text.str.contains(_OBJECT).all() or text.str.contains_any(_OWN_KEYS).any():
            return False
        return self._passing.may_pass(("\n".join(text.gather_every(max(1, text.len() // 4))) + "\n").encode())

    def _checked(self, body: Encoded | None, used: int) -> Taken:
        """Of lines that must be JSON those that are not say so, and are counted."""
        if self._form != "json" or body is None:
            return Taken(body, used)
        found = checked(body)
        return Taken(found.body, used, errors=found.errors)

    def _decoded(self, found: Gathered, raw: Reading, used: int) -> Taken:
        detector = self._detector = self._detector or self._make(self._state)
        before, now = detector.unknown, self._now()
        inner = detector.decode(found.text, now)
        strange = detector.unknown - before
        self._learn(detector)
        if self._form in {"auto", "docker", "cri"} and strange == found.text.len():
            return Taken(block(_lines(found, plain=False), raw), used, unknown=strange, learnt=self._learnt)
        frame = inner if found.time is None else _completed(found, inner, now)
        body = with_constants(frame, dict(raw.constants))
        if detector.is_fixed:
            return Taken(body, used, errors=strange, learnt=self._learnt)
        return Taken(body, used, unknown=strange, learnt=self._learnt)

    def _learn(self, detector: Detector) -> None:
        state = detector.state()
        self._learnt = msgspec.json.encode(state).decode() if state.headers else ""


def _rows(lines: bytes) -> pl.Series:
    """The lines without their ends; bytes that are no UTF-8 become U+FFFD."""
    text = pl.Series([lines[:-1]], dtype=pl.Binary)
    try:
        whole = text.cast(pl.String)
    except pl.exceptions.PolarsError:
        whole = pl.Series([lines[:-1].decode(errors="replace")], dtype=pl.String)
    rows = whole.str.split("\n").explode()
    return rows.str.strip_suffix("\r") if b"\r" in lines else rows


def _end_of(lines: bytes, left: int) -> int:
    """Where the line ends behind which ``left`` lines are left."""
    end = len(lines)
    for _ in range(left):
        end = lines.rfind(b"\n", 0, end - 1) + 1
    return end


def _without_blank(found: Gathered) -> Gathered:
    """Empty lines are none."""
    there = found.text.str.strip_chars() != ""
    if there.all():
        return found
    columns = {name: getattr(found, name) for name in ("text", "joined", "time", "stream")}
    kept = {name: None if column is None else column.filter(there) for name, column in columns.items()}
    return msgspec.structs.replace(found, **kept)


def _lines(found: Gathered, *, plain: bool) -> bytes:
    """Each record as one line: itself, or an object around it where it has several lines or an engine's words."""
    text = found.text
    # "plain" means that what looks like an object is none.
    inside = found.joined | text.str.starts_with("{") if plain else found.joined
    bare = text.zip_with(~inside, _objects({"message": text})) if inside.any() else text
    if found.time is None or found.stream is None:
        return "\n".join(bare).encode()
    about = {"time": found.time, "stream": found.stream}
    told = _objects({**about, "message": text})
    objects = ~inside & text.str.contains(_OBJECT) & ~text.str.contains_any(_OWN_KEYS)
    if objects.any():
        merged = pl.select(_objects(about).str.head(-1) + pl.lit(",") + text.str.slice(1)).to_series()
        told = merged.zip_with(objects, told)
    return "\n".join(bare.zip_with(found.time == "", told)).encode()


def _objects(columns: Mapping[str, pl.Series]) -> pl.Series:
    members = [pl.select(pl.lit(f'"{name}":') + quoted(texts)).to_series() for name, texts in columns.items()]
    return object_of(members, members[0].len())


def _completed(found: Gathered, inner: pl.DataFrame, now: int) -> pl.DataFrame:
    """What the lines say, and what the engine says of them."""
    if found.time is None or found.stream is None:
        return inner
    rows = found.text.len()
    times = {"timestamp": found.time.set(found.time == "", None), "message": found.text}
    attributes = object_of(fragments("stream", found.stream, "text"), rows)
    outer = assembled(times, attributes, Customs(now=now))
    return unwrapped(outer, pl.Series(range(rows), dtype=pl.UInt32), inner)
