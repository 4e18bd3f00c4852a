"""Logs whose lines mean what a header in the file says: W3C extended (IIS, CloudFront) and Zeek.

The header is the state of the source: it stands in the first lines, and again where the fields change. Header lines are
records, too: a message each.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
import polars as pl

from logyard.formats.lines.assemble import assembled, plain
from logyard.formats.lines.fields import fragments, object_of
from logyard.model.civil.customs import Customs
from logyard.ports import Decoded
from logyard.registry import component

__all__ = ["W3c", "W3cConfig"]

_HEADER: Final = r"^#[Ff]ields[: \t]"
_COMMENT: Final = r"^#[A-Za-z_-]+[: \t]"
_NOTHING: Final = ("-", "", "(empty)")
_FIELDS: Final[Mapping[str, tuple[str, str]]] = {
    "c-ip": ("client", "address"), "c-port": ("client_port", "int"), "s-ip": ("dest", "address"),
    "s-port": ("dest_port", "int"), "cs-method": ("method", "text"), "cs-uri": ("url", "plus"),
    "cs-uri-stem": ("path", "text"), "cs-uri-query": ("query", "plus"), "cs-username": ("user", "text"),
    "cs(User-Agent)": ("user_agent", "plus"), "cs(Referer)": ("referrer", "text"), "cs(Cookie)": ("cookie", "text"),
    "cs(Host)": ("http_host", "text"), "cs-host": ("http_host", "text"), "sc-status": ("status", "int"),
    "sc-substatus": ("substatus", "int"), "sc-win32-status": ("win32_status", "int"), "sc-bytes": ("bytes", "int"),
    "cs-bytes": ("bytes_received", "int"), "cs-version": ("protocol", "text"), "s-sitename": ("site", "text"),
    "s-computername": ("server", "text"), "x-edge-location": ("edge_location", "text"),
    "x-edge-request-id": ("request_id", "text"), "x-forwarded-for": ("forwarded_for", "text"),
    "id.orig_h": ("client", "address"), "id.orig_p": ("client_port", "int"), "id.resp_h": ("dest", "address"),
    "id.resp_p": ("dest_port", "int"), "proto": ("transport", "text"), "duration": ("duration_ns", "s"),
}  # fmt: skip
"""Field of a header -> our name and kind. Others keep their names."""


class W3cConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``header``: the line that says the fields, for a source whose header is gone."""

    header: str = ""


@component("w3c", config=W3cConfig, example='header = "#Fields: date time c-ip cs-method cs-uri-stem sc-status"\n')
class W3c:
    """W3C extended logs (IIS, CloudFront) and Zeek logs, by the header in the file."""

    rank = 89

    def __init__(self, config: W3cConfig) -> None:
        """``header`` is what the source last said its fields are."""
        self.header = config.header

    def fits(self, lines: pl.Series) -> pl.Series:
        """Headers, comments, and lines of as many values as the header has names."""
        comments = lines.str.contains(_COMMENT)
        if not self.header:
            return comments if lines.str.contains(_HEADER).any() else comments & False
        names, mark = _names(self.header)
        return comments | (lines.str.count_matches(mark, literal=True) == len(names) - 1)

    def decode(self, lines: pl.Series, customs: Customs) -> Decoded:
        """Each stretch of lines by the header before it."""
        frames: list[pl.DataFrame] = []
        fits = pl.Series([False]).new_from_index(0, lines.len())
        headers = lines.str.contains(_HEADER).arg_true().to_list()
        for start, end in zip([0, *headers], [*headers, lines.len()], strict=True):
            stretch = lines.slice(start, end - start)
            if start in headers and stretch.len():
                self.header = stretch[0]
            fitting = self.fits(stretch)
            frames.append(self._frame(stretch.filter(fitting), customs))
            fits = fits.scatter(fitting.arg_true().cast(pl.Int64) + start, values=True)
        return Decoded(frame=pl.concat(frames), fits=fits)

    def _frame(self, lines: pl.Series, customs: Customs) -> pl.DataFrame:
        comments = lines.str.contains(_COMMENT)
        if comments.all():
            return plain(lines, customs)
        values = _values(lines.filter(~comments), self.header, customs)
        if not comments.any():
            return values
        order = pl.concat([comments.arg_true(), (~comments).arg_true()]).arg_sort()
        return pl.concat([plain(lines.filter(comments), customs), values])[order]


def _names(header: str) -> tuple[Sequence[str], str]:
    """The fields of a header, and what parts the values of a line."""
    if header.startswith("#fields"):
        return header.split("\t")[1:], "\t"
    names = header.partition(":")[2].split()
    return names, "\t" if "x-edge-location" in names else " "


def _values(lines: pl.Series, header: str, customs: Customs) -> pl.DataFrame:
    names, mark = _names(header)
    table = lines.str.split_exact(mark, len(names) - 1).struct.unnest()
    columns = dict(zip(names, table.iter_columns(), strict=True))
    zoned = customs if customs.zone else msgspec.structs.replace(customs, zone="UTC")
    texts = {"message": lines, **_times(columns)}
    kinds = {**_FIELDS, "time-taken": ("duration_ns", "s" if mark == "\t" else "ms")}
    found = [
        fragment
        for name, values in columns.items()
        if name not in {"date", "time", "ts"}
        for fragment in fragments(*_named(name, kinds, values), nothing=_NOTHING)
    ]
    return assembled(texts, object_of(found, lines.len()), zoned)


def _named(name: str, kinds: Mapping[str, tuple[str, str]], values: pl.Series) -> tuple[str, pl.Series, str]:
    ours, kind = kinds.get(name, (name.replace('"', "").replace("\\", ""), "auto"))
    return ours, values, kind


def _times(columns: Mapping[str, pl.Series]) -> Mapping[str, pl.Series]:
    if "ts" in columns:
        return {"timestamp": columns["ts"]}
    if "date" in columns and "time" in columns:
        return {"timestamp": pl.select(columns["date"] + " " + columns["time"]).to_series()}
    return {}
