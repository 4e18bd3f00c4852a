"""The parts of a civil time into an instant: whole numbers and columns only.

Days are counted by the proleptic Gregorian calendar, as Howard Hinnant's ``days_from_civil`` does: exact for every
year, without a table.
"""

from typing import Final

import polars as pl

from logyard.model.civil.customs import Customs
from logyard.model.civil.zones import LOCAL, fixed_offset, offset_of, region
from logyard.model.timestamp import END, SECOND

__all__ = ["PARTS", "instants"]

PARTS: Final = ("y", "mo", "mon", "d", "a", "b", "c", "doy", "w", "wd", "h", "mi", "s", "f", "ap", "behind")
"""Names of the parts that a layout may have (``layouts.py``)."""

_DAY: Final = 86_400
_MONTHS: Final = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905 - a list of words
)
_MONTH_OF: Final = {
    **{name: number for number, name in enumerate(_MONTHS, 1)},
    **{name[:3]: number for number, name in enumerate(_MONTHS, 1)},
    "sept": 9,
}
_PIVOT: Final = 70
"""Two-digit years from here on are of the last century: the Unix epoch's."""

_YEARS: Final = 400


def instants(parts: pl.DataFrame, customs: Customs) -> pl.Series:
    """Nanoseconds since the Unix epoch, a row for each row of ``parts`` (texts, null for a part that is not there);
    null where the parts are no time, or none in 1970-2261.
    """
    table = _dated(_numbers(parts), customs).with_columns(_clock().alias("clock"))
    yearless = table["y"].is_null()
    if yearless.any():
        table = table.with_columns(_year(customs).alias("y"))
    table = table.with_columns((_days() * _DAY + pl.col("clock")).alias("civil"))
    table = table.with_columns(_zoned(table, customs).alias("at"))
    if yearless.any() and not customs.year:
        late = yearless & (table["at"] > customs.now // SECOND + _DAY).fill_null(value=False)
        table = table.with_columns(y=pl.when(late).then(_previous_year()).otherwise(pl.col("y")))
        table = table.with_columns((_days() * _DAY + pl.col("clock")).alias("civil"))
        table = table.with_columns(_zoned(table, customs).alias("at"))
    instant = table.select(pl.col("at") * SECOND + pl.col("f")).to_series()
    sound = table.select(_sound()).to_series() & instant.is_between(0, END, closed="left")
    return instant.set(~sound.fill_null(value=False), None)


def _numbers(parts: pl.DataFrame) -> pl.DataFrame:
    whole = [pl.col(name).cast(pl.Int64, strict=False) for name in ("y", "mo", "d", "a", "b", "doy", "w", "wd")]
    clock = [pl.col(name).cast(pl.Int64, strict=False) for name in ("h", "mi", "s")]
    names = pl.col("mon").str.to_lowercase().replace_strict(_MONTH_OF, default=0, return_dtype=pl.Int64)
    fraction = pl.col("f").str.slice(0, 9).str.pad_end(9, "0").cast(pl.Int64, strict=False).fill_null(0)
    short = (pl.col("y").str.len_bytes() == 2).alias("short")  # noqa: PLR2004 - digits of a short year
    named = pl.when(pl.col("mon").is_null()).then(None).otherwise(names).alias("named")
    return parts.with_columns(*whole, *clock, fraction, short, named)


def _dated(table: pl.DataFrame, customs: Customs) -> pl.DataFrame:
    """With year, month and day each in its column, wherever the layout had them."""
    if table["a"].is_not_null().any():
        table = _ordered(table, customs)
    year = pl.when(pl.col("short")).then(_century(pl.col("y"))).otherwise(pl.col("y"))
    month = pl.coalesce("named", "mo", pl.when(pl.col("y").is_not_null()).then(1))
    day = pl.coalesce("d", pl.when(pl.col("y").is_not_null()).then(1))
    return table.with_columns(y=year, mo=month, d=day)


def _ordered(table: pl.DataFrame, customs: Customs) -> pl.DataFrame:
    """``a``, ``b`` and ``c`` into year, month and day."""
    a, b, c = pl.col("a"), pl.col("b"), pl.col("c").cast(pl.Int64, strict=False)
    here, short = pl.col("a").is_not_null(), pl.col("c").str.len_bytes() == 2  # noqa: PLR2004 - digits
    if customs.date_order == "YMD":
        return table.with_columns(
            y=pl.when(here).then(a).otherwise("y"), mo=pl.when(here).then(b).otherwise("mo"),
            d=pl.when(here).then(c).otherwise("d"), short=here | pl.col("short"),
        )  # fmt: skip
    months = 12
    day_first = (a > months) if customs.date_order != "DMY" else (b <= months)
    if not customs.date_order:
        day_first |= (b <= months) & pl.col("dotted")
    return table.with_columns(
        y=pl.when(here).then(c).otherwise("y"),
        mo=pl.when(here).then(pl.when(day_first).then(b).otherwise(a)).otherwise("mo"),
        d=pl.when(here).then(pl.when(day_first).then(a).otherwise(b)).otherwise("d"),
        short=pl.when(here).then(short).otherwise("short"),
    )


def _century(year: pl.Expr) -> pl.Expr:
    return pl.when(year < _PIVOT).then(year + 2000).otherwise(year + 1900)


def _clock() -> pl.Expr:
    """Second of the day; 0 for a date alone. Second 60 is the first of the next minute."""
    noon = 12
    hour = pl.col("h").fill_null(0)
    after = pl.col("ap").str.to_lowercase()
    hour = pl.when(after == "p").then(hour % noon + noon).when(after == "a").then(_before_noon(hour)).otherwise(hour)
    return hour * 3600 + pl.col("mi").fill_null(0) * 60 + pl.col("s").fill_null(0)


def _before_noon(hour: pl.Expr) -> pl.Expr:
    """12 am is midnight; 18 am is somebody's 18 hours."""
    return pl.when(hour == 12).then(0).otherwise(hour)  # noqa: PLR2004 - noon


def _year(customs: Customs) -> pl.Expr:
    """For the rows without one: the setting's, or the one of now (for the 29th of February the last leap year)."""
    if customs.year:
        return pl.col("y").fill_null(customs.year)
    now = pl.Series([customs.now]).cast(pl.Datetime("ns")).dt.year()[0]
    leap = next(year for year in range(now, now - 9, -1) if _leaps(year))
    leaping = (pl.col("mo") == 2) & (pl.col("d") == 29)  # noqa: PLR2004 - the 29th of February
    return pl.col("y").fill_null(pl.when(leaping).then(leap).otherwise(now))


def _previous_year() -> pl.Expr:
    """A year earlier; for the 29th of February four."""
    leaping = (pl.col("mo") == 2) & (pl.col("d") == 29)  # noqa: PLR2004 - the 29th of February
    return pl.when(leaping).then(pl.col("y") - 4).otherwise(pl.col("y") - 1)


def _leaps(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % _YEARS == 0)


def _leap(year: pl.Expr) -> pl.Expr:
    return (year % 4 == 0) & ((year % 100 != 0) | (year % _YEARS == 0))


def _days() -> pl.Expr:
    """Days since the Unix epoch."""
    civil = _days_of(pl.col("y"), pl.col("mo"), pl.col("d"))
    first = _days_of(pl.col("y"), pl.lit(1), pl.lit(1))
    fourth = _days_of(pl.col("y"), pl.lit(1), pl.lit(4))
    week_one = fourth - (fourth + 3) % 7  # the Monday of the week that holds the 4th of January
    weekly = week_one + (pl.col("w") - 1) * 7 + pl.col("wd") - 1
    return pl.coalesce(weekly, first + pl.col("doy") - 1, civil)


def _days_of(year: pl.Expr, month: pl.Expr, day: pl.Expr) -> pl.Expr:
    y = year - (month <= 2).cast(pl.Int64)  # noqa: PLR2004 - the year begins in March
    era = y // _YEARS
    in_era = y - era * _YEARS
    in_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return era * 146_097 + in_era * 365 + in_era // 4 - in_era // 100 + in_year - 719_468


def _sound() -> pl.Expr:
    """Whether there is such a day and such a time of day."""
    month, day, hour = pl.col("mo"), pl.col("d"), pl.col("h").fill_null(0)
    thirty = month.is_in([4, 6, 9, 11])
    february = pl.when(_leap(pl.col("y"))).then(29).otherwise(28)
    last = pl.when(month == 2).then(february).when(thirty).then(30).otherwise(31)  # noqa: PLR2004 - February
    timed = pl.col("h").is_null() | pl.col("mi").is_not_null() | pl.col("ap").is_not_null()
    return (
        month.is_between(1, 12) & day.is_between(1, last) & (hour <= 23)  # noqa: PLR2004 - hours
        & (pl.col("mi").fill_null(0) <= 59) & (pl.col("s").fill_null(0) <= 60) & timed  # noqa: PLR2004 - and minutes
        & pl.col("doy").fill_null(1).is_between(1, 366) & pl.col("w").fill_null(1).is_between(1, 53)
    )  # fmt: skip


def _zoned(table: pl.DataFrame, customs: Customs) -> pl.Series:
    """Seconds since the Unix epoch: ``civil`` in the zone that is behind it or in the source's own."""
    kinds = table["behind"].fill_null("").unique()
    offsets = [offset_of(kind, customs.zone) for kind in kinds]
    offset = table["behind"].fill_null("").replace_strict(kinds, pl.Series(offsets, dtype=pl.Int64))
    civil = table["civil"]
    local = offset == LOCAL
    if not local.any():
        return civil - offset
    fixed = fixed_offset(customs.zone)
    own = civil - fixed if fixed is not None else _in_region(civil, customs.zone)
    return pl.select(pl.when(local).then(own).otherwise(civil - offset)).to_series()


def _in_region(civil: pl.Series, zone: str) -> pl.Series:
    """In a region's time: the earlier of an hour that came twice; an hour that was skipped counts on from before."""
    key = region(zone).key
    wall = (civil * 1000).cast(pl.Datetime("ms"))
    there = wall.dt.replace_time_zone(key, ambiguous="earliest", non_existent="null")
    skipped = wall.dt.offset_by("-1h").dt.replace_time_zone(key, ambiguous="earliest", non_existent="null")
    return there.cast(pl.Int64).fill_null(skipped.cast(pl.Int64) + 3_600_000) // 1000
