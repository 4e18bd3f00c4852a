"""Numbers of rows over time, as series: what stands above a list of records."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from logyard.model.timestamp import format_ns

__all__ = ["Hits", "series"]

Count = tuple[tuple[str, ...], int, int]
"""Values of the fields, time in nanoseconds, rows."""


class Hits(msgspec.Struct, frozen=True):
    """Numbers of rows over time, for one combination of fields; only times with rows are listed."""

    fields: dict[str, str]
    timestamps: list[str]
    values: list[int]
    total: int


def series(counts: Iterable[Count], fields: Sequence[str], most: int = 0) -> list[Hits]:
    """The largest series first. Beyond ``most`` (0: no bound) they become one without fields, the last."""
    found: dict[tuple[str, ...], Counter[int]] = {}
    for key, time, count in counts:
        found.setdefault(key, Counter())[time] += count
    ordered = sorted(found.items(), key=lambda each: (-each[1].total(), each[0]))
    shown, rest = (ordered[:most], ordered[most:]) if most else (ordered, [])
    listed = [_hits(dict(zip(fields, key, strict=True)), times) for key, times in shown]
    if not rest:
        return listed
    others: Counter[int] = Counter()
    for _, times in rest:
        others.update(times)
    return [*listed, _hits({}, others)]


def _hits(fields: dict[str, str], times: Mapping[int, int]) -> Hits:
    ordered = sorted(times.items())
    return Hits(
        fields=fields,
        timestamps=[format_ns(time) for time, _ in ordered],
        values=[count for _, count in ordered],
        total=sum(times.values()),
    )
