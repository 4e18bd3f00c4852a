"""Who is who in a cluster: its shards and replicas as ``system.clusters`` has them, and their HTTP addresses.

A server says which replica it is itself (``is_local``); the addresses of those that are away are found by the names of
their hosts, or by their place in the URL, and checked before they are used.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from logyard.errors import LogyardError, StoreFailed
from logyard.store.cluster.failures import Away
from logyard.store.cluster.url import Address, ClusterUrl
from logyard.store.cluster.wire import JSON_LINES, NO_DATABASE, Wire
from logyard.store.mapping import literal

__all__ = ["SINGLE", "Place", "Slot", "places", "slots_of"]

_ANSWER_SECONDS: Final = 5.0


class Slot(msgspec.Struct, frozen=True, order=True):
    """One replica of one shard, and its address for other servers. Numbers begin with 1."""

    shard: int
    replica: int
    host: str
    port: int

    def __str__(self) -> str:
        return f"s{self.shard}r{self.replica}"

    @property
    def native(self) -> str:
        """``HOST:PORT`` as ``remote()`` takes it."""
        return f"{self.host}:{self.port}"


class _Row(msgspec.Struct, frozen=True):
    shard_num: int
    replica_num: int
    host_name: str
    port: int
    is_local: bool

    @property
    def slot(self) -> Slot:
        return Slot(self.shard_num, self.replica_num, self.host_name, self.port)


class Place(msgspec.Struct, frozen=True):
    """A replica and where its HTTP interface is, or should be."""

    slot: Slot
    address: Address


SINGLE: Final = Slot(1, 1, "", 0)
"""A server that is no cluster's."""


def slots_of(wire: Wire, cluster: str) -> tuple[list[Slot], Slot | None]:
    """All replicas of the cluster, and which of them the server is. Raises ``StoreFailed``, ``Away``."""
    if not cluster:
        wire.query("SELECT 1", NO_DATABASE, seconds=_ANSWER_SECONDS)
        return [SINGLE], SINGLE
    sql = (
        "SELECT shard_num, replica_num, host_name, port, is_local = 1 AS is_local FROM system.clusters "
        f"WHERE cluster = {literal(cluster)} ORDER BY shard_num, replica_num"
    )
    answer = wire.query(sql, {**JSON_LINES, **NO_DATABASE}, seconds=_ANSWER_SECONDS)
    rows = [msgspec.json.decode(line, type=_Row, strict=False) for line in answer.splitlines()]
    if not rows:
        raise StoreFailed(f"{wire.address} knows no cluster {cluster!r} (remote_servers in its configuration)")
    mine = [row.slot for row in rows if row.is_local]
    return [row.slot for row in rows], mine[0] if len(mine) == 1 else None


def places(url: ClusterUrl) -> list[Place]:
    """Every replica of the cluster with its address. Raises ``StoreFailed`` when no host answers."""
    slots: list[Slot] = []
    known: dict[Slot, Address] = {}
    failed: dict[Address, str] = {}
    for address in url.hosts:
        wire = Wire(address, url)
        try:
            found, mine = slots_of(wire, url.cluster)
        except Away as error:
            failed[address] = str(error)
            continue
        finally:
            wire.cut()
        slots = slots or found
        if mine is None:
            failed[address] = "does not say which replica it is"
        else:
            known[_same(mine, slots)] = address
    if not slots:
        raise StoreFailed(f"no server of the cluster answers: {'; '.join(failed.values())}")
    return [
        Place(slot, address)
        for slot, address in sorted(_completed(slots, known, left=list(failed), port=url.hosts[0].port).items())
    ]


def _same(mine: Slot, slots: Sequence[Slot]) -> Slot:
    """The slot of these numbers: servers may know each other by different names."""
    for slot in slots:
        if (slot.shard, slot.replica) == (mine.shard, mine.replica):
            return slot
    raise StoreFailed(f"the servers describe the cluster differently: {mine} is not everywhere")


def _completed(
    slots: Sequence[Slot], known: Mapping[Slot, Address], *, left: list[Address], port: int
) -> dict[Slot, Address]:
    """The rest of the slots: by name, else in the order of the URL, else at the first host's port."""
    found = dict(known)
    for slot in slots:
        if slot in found:
            continue
        same = [address for address in left if address.host == slot.host]
        address = (same or left or [Address(slot.host, port)])[0]
        if address in left:
            left.remove(address)
        found[slot] = address
    return found


def check_place(wire: Wire, slot: Slot, cluster: str) -> None:
    """Raises ``StoreFailed`` when the server at this address is another replica than it should be."""
    try:
        _, mine = slots_of(wire, cluster)
    except LogyardError as error:
        raise Away(f"{slot} at {wire.address}: {error}") from error
    if mine is not None and (mine.shard, mine.replica) != (slot.shard, slot.replica):
        raise StoreFailed(
            f"{wire.address} is {mine} of the cluster and not {slot}: name the hosts in the order of remote_servers"
        )
