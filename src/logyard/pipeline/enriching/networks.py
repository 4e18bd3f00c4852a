"""What is known of IP addresses: columns of a CSV file of networks, as free GeoIP tables are."""

import csv
import ipaddress
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.pipeline.enriching.files import Reloaded
from logyard.pipeline.fields import text

__all__ = ["NetworkConfig", "Networks"]

_NETWORK: Final = "network"
_RANGE: Final = ("start", "end")


class NetworkConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``file``: CSV with a line of names at its top: ``network`` (``192.0.2.0/24``), or ``start`` and ``end``,
    addresses both inside; the other columns become fields. ``field``: of the record, which holds an address.
    ``prefix``: put before their names.
    """

    file: str
    field: str
    prefix: str = "geo."


class _Range(NamedTuple):
    first: int
    last: int
    values: tuple[str, ...]


class _Version(NamedTuple):
    """The networks of one version of the protocol, in the order of their first addresses."""

    ranges: list[_Range]
    starts: list[int]
    around: list[int]
    """For each the place of the nearest one before it that holds its first address; -1 for none."""


class _Table(NamedTuple):
    names: tuple[str, ...]
    versions: Mapping[int, _Version]


class Networks:
    """Networks in memory. Of two that hold an address the one that begins last, which is the smaller, counts."""

    def __init__(self, config: NetworkConfig) -> None:
        """Raises ``BadConfig`` for a file that cannot be used."""
        self._config = config
        self._file = Reloaded(Path(config.file), _read)

    def __call__(self, frame: pl.DataFrame) -> Mapping[str, pl.Series]:
        """Fields and their texts; null where no network holds the address. Each different address is looked up once."""
        table = self._file.table()
        addresses = text(frame, self._config.field)
        kinds = addresses.unique()
        found = [_looked_up(table, address) for address in kinds.to_list()]
        columns: dict[str, pl.Series] = {}
        for place, name in enumerate(table.names):
            values = pl.Series([values[place] if values else None for values in found], dtype=pl.String)
            columns[self._config.prefix + name] = addresses.replace_strict(kinds, values, return_dtype=pl.String)
        return columns


def _looked_up(table: _Table, address: str) -> tuple[str, ...] | None:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return None
    version, number = table.versions[found.version], int(found)
    place = bisect_right(version.starts, number) - 1
    while place >= 0 and version.ranges[place].last < number:
        place = version.around[place]
    return version.ranges[place].values if place >= 0 else None


def _read(file: Path) -> _Table:
    with file.open(newline="", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        known = set(rows.fieldnames or ())
        if not (_NETWORK in known or known >= set(_RANGE)):
            raise BadConfig(f"{file} has neither a column network nor start and end", path="file")
        names = tuple(name for name in rows.fieldnames or () if name not in {_NETWORK, *_RANGE})
        ranges: dict[int, list[_Range]] = {4: [], 6: []}
        for version, each in _ranges(rows, names, file):
            ranges[version].append(each)
    return _Table(names, {version: _ordered(each) for version, each in ranges.items()})


def _ordered(ranges: list[_Range]) -> _Version:
    ranges.sort(key=lambda one: (one.first, -one.last))
    around: list[int] = []
    open_: list[int] = []
    for place, one in enumerate(ranges):
        while open_ and ranges[open_[-1]].last < one.first:
            open_.pop()
        around.append(open_[-1] if open_ else -1)
        open_.append(place)
    return _Version(ranges, [one.first for one in ranges], around)


def _ranges(rows: "csv.DictReader[str]", names: tuple[str, ...], file: Path) -> Iterator[tuple[int, _Range]]:
    for number, row in enumerate(rows, 2):
        try:
            if row.get(_NETWORK):
                network = ipaddress.ip_network(row[_NETWORK], strict=False)
                first, last = network.network_address, network.broadcast_address
            else:
                first, last = (ipaddress.ip_address(row[name]) for name in _RANGE)
        except ValueError as error:
            raise BadConfig(f"{file}, line {number}: {error}", path="file") from error
        yield first.version, _Range(int(first), int(last), tuple(row[name] or "" for name in names))
