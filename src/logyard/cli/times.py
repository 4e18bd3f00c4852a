"""Times on the command line: what --since, --until and --tz say, and how timestamps are shown."""

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from logyard.clock import Clock
from logyard.errors import BadInput
from logyard.model.timerange import parse_time
from logyard.types import Nanoseconds

__all__ = ["LOCAL", "instant", "moment", "zone"]

_OFFSET: Final = re.compile(r"([+-])(\d{2}):?(\d{2})?")
_DAY: Final = timedelta(hours=24)


class _Local(tzinfo):
    """The machine's own zone, with its summer time on every date."""

    def utcoffset(self, moment: datetime | None, /) -> timedelta | None:
        return None if moment is None else moment.replace(tzinfo=None).astimezone().utcoffset()

    def dst(self, _moment: datetime | None, /) -> None:
        return None

    def tzname(self, _moment: datetime | None, /) -> str:
        return "local"

    def fromutc(self, moment: datetime, /) -> datetime:
        return moment.replace(tzinfo=UTC).astimezone().replace(tzinfo=self)


LOCAL: Final = _Local()


def zone(name: str) -> tzinfo:
    """``local``, ``UTC``, an IANA name or an offset. Raises ``typer.BadParameter``."""
    if name.lower() in {"", "local"}:
        return LOCAL
    if name.upper() in {"UTC", "Z"}:
        return UTC
    if found := _OFFSET.fullmatch(name):
        offset = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
        if offset < _DAY:
            return timezone(-offset if found[1] == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise typer.BadParameter(f"there is no time zone {name!r}", param_hint="--tz") from error


def instant(text: str, where: tzinfo, clock: Clock, *, option: str) -> str:
    """What --since or --until say, as ``@`` and nanoseconds, which every route takes; "" for "".

    Raises ``typer.BadParameter`` that names the option.
    """
    if not text:
        return ""
    try:
        return f"@{parse_time(text, Nanoseconds(clock.now()), where)}"
    except BadInput as error:
        raise typer.BadParameter(str(error), param_hint=option) from error


def moment(timestamp: str, where: tzinfo, *, whole: bool) -> str:
    """A stored timestamp (RFC 3339, UTC) in a zone.

    ``whole``: RFC 3339 with the zone and every stored digit; else ``2026-01-31 14:03:11.123``. What is no
    timestamp comes back as it is.
    """
    second, _, fraction = timestamp.removesuffix("Z").partition(".")
    try:
        shown, offset = _second(second, where)
    except ValueError:
        return timestamp
    if whole:
        return f"{shown.replace(' ', 'T')}{'.' + fraction if fraction else ''}{offset}"
    return f"{shown}.{fraction[:3]:0<3}"


@lru_cache(maxsize=1024)
def _second(text: str, where: tzinfo) -> tuple[str, str]:
    """Most rows share their second with the row before."""
    time = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(where)
    offset = time.isoformat()[19:]
    return time.isoformat(" ")[:19], "Z" if offset == "+00:00" else offset
