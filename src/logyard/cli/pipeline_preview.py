"""Records before and after a pipeline, field by field."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadInput
from logyard.model import timestamp
from logyard.pipeline.chain import Chain
from logyard.pipeline.fields import ERROR
from logyard.pipeline.records import records
from logyard.types import Nanoseconds

__all__ = ["Preview", "preview_text"]

_PLACE: Final = "_preview"
Record = Mapping[str, object]


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What became of each record of a sample."""

    before: list[Record]
    after: list[list[Record]]
    """For each record what it became: nothing when it was left out."""
    made: list[Record]
    """Records that came of none of them."""

    @staticmethod
    def of(chain: Chain, sample: pl.DataFrame) -> "Preview":
        """Run the sample through. Raises ``BadInput`` for an empty one."""
        if not sample.height:
            raise BadInput("the sample is empty")
        placed = sample.with_columns(pl.int_range(sample.height, dtype=pl.Int64, eager=True).alias(_PLACE))
        left = chain.apply(placed, Nanoseconds(0))
        rows = left if isinstance(left, pl.DataFrame) else sample
        after: list[list[Record]] = [[] for _ in range(sample.height)]
        made: list[Record] = []
        places = rows[_PLACE].to_list() if _PLACE in rows.columns else [None] * rows.height
        for place, record in zip(places, records(rows), strict=True):
            (made if place is None else after[place]).append(_shown(record))
        return Preview(before=[_shown(record) for record in records(sample)], after=after, made=made)

    def plain(self) -> dict[str, object]:
        """For JSON."""
        pairs = [{"before": old, "after": new} for old, new in zip(self.before, self.after, strict=True)]
        return {"records": pairs, "made": self.made, **self.totals()}

    def totals(self) -> dict[str, int]:
        """Numbers and sizes."""
        left = [record for each in self.after for record in each] + self.made
        return {
            "records_before": len(self.before),
            "records_after": len(left),
            "bytes_before": sum(map(_size, self.before)),
            "bytes_after": sum(map(_size, left)),
            "failed": sum(ERROR in record for record in left),
        }


def preview_text(preview: Preview) -> str:
    """For people: a block for each record, and the sums."""
    blocks = [
        "".join(_block(number, old, new))
        for number, (old, new) in enumerate(zip(preview.before, preview.after, strict=True), 1)
    ]
    made = ["made by the pipeline\n" + "".join(f"  + {line}" for line in _lines(record)) for record in preview.made]
    sums = preview.totals()
    saved = 100 - 100 * sums["bytes_after"] // max(1, sums["bytes_before"])
    change = f"{saved} % less" if saved >= 0 else f"{-saved} % more"
    total = (
        f"{sums['records_before']} records in, {sums['records_after']} out, {sums['failed']} with {ERROR}; "
        f"{sums['bytes_before']} bytes as JSON before, {sums['bytes_after']} after ({change})\n"
    )
    return "\n".join([*blocks, *made, total])


def _block(number: int, old: Record, new: list[Record]) -> Iterator[str]:
    yield f"{number}  {old.get('message') or _text(old)}\n"
    if not new:
        yield "  left out\n"
    for record in new:
        yield from _changes(old, record)


def _changes(old: Record, new: Record) -> Iterator[str]:
    for name, value in new.items():
        if name not in old:
            yield f"  + {name} = {_text(value)}\n"
        elif old[name] != value:
            yield f"  - {name} = {_text(old[name])}\n  + {name} = {_text(value)}\n"
    yield from (f"  - {name} = {_text(old[name])}\n" for name in old if name not in new)


def _lines(record: Record) -> Iterator[str]:
    return (f"{name} = {_text(value)}\n" for name, value in record.items())


def _shown(record: Record) -> Record:
    when = record["timestamp"]
    return {**record, "timestamp": timestamp.format_ns(when) if isinstance(when, int) else when}


def _size(record: Record) -> int:
    return len(msgspec.json.encode(record))


def _text(value: object) -> str:
    return msgspec.json.encode(value).decode()
