"""Take the time from a field."""

from typing import Final, Literal

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.model.civil.customs import Customs
from logyard.model.civil.read import read
from logyard.model.civil.zones import check_zone, fixed_offset
from logyard.pipeline.fields import failed, is_untimed, removed, text, with_time
from logyard.registry import component

__all__ = ["Timestamp", "TimestampConfig"]

_AUTO: Final = "auto"
_DECIMAL: Final = r"^(?P<whole>\d{1,19})(?:\.(?P<fraction>\d+))?$"
_DIGITS: Final = 9
_UNITS: Final = {"unix": 1_000_000_000, "unix_ms": 1_000_000, "unix_us": 1_000, "unix_ns": 1}


class TimestampConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``field``: whose value is the time. ``formats``: tried in order: strftime's letters (``%d/%b/%Y:%H:%M:%S %z``),
    ``unix`` (seconds), ``unix_ms``, ``unix_us``, ``unix_ns``, or ``auto`` for every spelling that Logyard knows.
    ``zone``: of times without one, an IANA name or an offset; UTC by default. ``date_order``: MDY, DMY or YMD, of dates
    in numbers, for ``auto``. ``keep``: whether the field stays. ``missing``: only of records that said no time.
    """

    field: str
    formats: tuple[str, ...] = (_AUTO,)
    zone: str = ""
    date_order: Literal["", "MDY", "DMY", "YMD"] = ""
    keep: bool = False
    missing: bool = False


@component("timestamp", config=TimestampConfig, example='field = "when"\nformats = ["%d.%m.%Y %H:%M:%S", "unix_ms"]\n')
class Timestamp:
    """Take a record's time from a field."""

    def __init__(self, config: TimestampConfig) -> None:
        """Raises ``BadConfig`` for a format or a zone that cannot be used."""
        self._config = config
        self._customs = Customs(zone=config.zone, date_order=config.date_order)
        check_zone(config.zone)
        if not config.formats:
            raise BadConfig("name a format", path="formats")
        self._read(pl.Series([""], dtype=pl.String))

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records; one whose field is no time keeps its own and gains ``processing_error``."""
        texts = text(frame, self._config.field)
        if self._config.missing:
            texts = texts.set(~is_untimed(frame), "")
        times = self._read(texts)
        wrong = times.is_null() & (texts != "")
        if not self._config.keep:
            less = removed(frame, [self._config.field])["attributes"]
            frame = frame.with_columns(less.zip_with(times.is_not_null(), frame["attributes"]))
        frame = with_time(frame, times)
        if not wrong.any():
            return frame
        reason = f"{self._config.field} is no time in the formats {', '.join(self._config.formats)}"
        return failed(frame, pl.Series([reason]).new_from_index(0, frame.height).set(~wrong, None))

    def _read(self, texts: pl.Series) -> pl.Series:
        times = pl.Series([None], dtype=pl.Int64).new_from_index(0, texts.len())
        for form in self._config.formats:
            found = self._by(form, texts)
            times = times.zip_with(times.is_not_null(), found)
        return times

    def _by(self, form: str, texts: pl.Series) -> pl.Series:
        if form == _AUTO:
            return read(texts, self._customs)
        if form in _UNITS:
            return _number(texts, _UNITS[form])
        try:
            made = texts.str.to_datetime(form, time_unit="ns", strict=False)
        except (pl.exceptions.ComputeError, pl.exceptions.InvalidOperationError) as error:
            raise BadConfig(f"cannot read {form!r}: {error}", path="formats") from error
        if isinstance(made.dtype, pl.Datetime) and made.dtype.time_zone is not None:
            return made.cast(pl.Int64)
        fixed = fixed_offset(self._config.zone)
        if fixed is not None:
            return made.cast(pl.Int64) - fixed * _UNITS["unix"]
        there = made.dt.replace_time_zone(self._config.zone, ambiguous="earliest", non_existent="null")
        return there.cast(pl.Int64)


def _number(texts: pl.Series, unit: int) -> pl.Series:
    """Nanoseconds of numbers in units of so many; exact, with up to nine digits behind the point."""
    parts = texts.str.extract_groups(_DECIMAL).struct.unnest()
    fraction = parts["fraction"].fill_null("").str.head(_DIGITS).str.pad_end(_DIGITS, "0").cast(pl.Int64)
    return parts["whole"].cast(pl.Int64, strict=False) * unit + fraction * unit // 10**_DIGITS
