"""Nodes that hold the same entries: who accepts, how many must have an entry before it is acknowledged, who is asked.

master-slave   one node accepts, the others follow; ``promote`` makes another one the master
multi-master   every node accepts; whoever answers. Two that were apart have all of both sides when they meet again:
               entries are known by their ids, and no two writers give out the same
instances      every node accepts, and they share one store: nothing is copied

asynchronous   acknowledged when the first node has it
quorum         when more than half of all nodes have it
synchronous    when all have it; with one away, nothing is accepted
"""

import concurrent.futures
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Final, Literal, TypeVar

import msgspec

from logyard.clock import Clock
from logyard.errors import BadConfig, Incomplete, NotNow, StoreFailed
from logyard.feed.balancing import Balancer
from logyard.feed.block import Block
from logyard.feed.comparing import bring, missing
from logyard.feed.link import FAILURES, Link, LinkStatus
from logyard.feed.storage import BUCKET, Storage
from logyard.types import Nanoseconds

__all__ = ["Group", "Mode", "Replication", "Strategy"]

Mode = Literal["asynchronous", "quorum", "synchronous"]
Strategy = Literal["master-slave", "multi-master", "instances"]
Answer = TypeVar("Answer")
_START_SECONDS: Final = 10.0


class Replication(msgspec.Struct, frozen=True, kw_only=True):
    """How a group keeps its nodes alike."""

    strategy: Strategy
    mode: Mode = "asynchronous"
    timeout_seconds: float = 10.0
    """How long an acknowledgement waits for further nodes."""

    def needed(self, nodes: int) -> int:
        """How many of so many nodes must have an entry before it is acknowledged."""
        counts = {"asynchronous": 1, "quorum": nodes // 2 + 1, "synchronous": nodes}
        return 1 if self.strategy == "instances" else counts[self.mode]


class Group:
    """At least one node. Any thread, concurrently."""

    def __init__(self, links: Sequence[Link], how: Replication, *, balancer: Balancer, clock: Clock) -> None:
        """Returns when it is known which nodes answer."""
        self._links = tuple(links)
        self._how = how
        self._balancer = balancer
        self._clock = clock
        self._master = self._links[0]
        self._needed = how.needed(len(links))
        for link in links:
            link.start(self._catch_up)
        for link in links:
            link.looked(_START_SECONDS)

    def write(self, block: Block) -> None:
        """Return when as many nodes have it as were promised. ``NotNow``: nobody has it, or nobody knows who has.

        ``Incomplete``: some have it, and it will come to the others.
        """
        answering = len(self._answering(self._links))
        if answering < self._needed:
            raise NotNow(f"{self._needed} nodes must have it, and only {answering} answer: {self._troubles()}")
        first = self._accepted(block)
        if self._how.strategy == "instances" or len(self._links) == 1:
            return
        written = [link.offer(block) for link in self._links if link is not first]
        others = self._needed - 1
        if others and _resolved(written, others, self._how.timeout_seconds) < others:
            raise Incomplete(f"fewer than {self._needed} nodes have it: {self._troubles()}")

    def read(self, work: Callable[[Storage], Answer]) -> Answer:
        """Ask a node that has everything; when none answers that has, one that answers."""
        failure: NotNow | StoreFailed | None = None
        for link in self._readers():
            try:
                return link.call(work)
            except FAILURES as error:
                failure = error
        raise failure or NotNow(f"no node answers: {self._troubles()}")

    def promote(self, name: str) -> None:
        """Make another node the master. Raises ``BadConfig``, ``NotNow`` when it is away."""
        found = next((link for link in self._links if link.name == name), None)
        if found is None or self._how.strategy != "master-slave":
            names = ", ".join(link.name for link in self._links)
            raise BadConfig(f"{name!r} is none of the nodes of a master and its slaves: {names}", path="promote")
        if found.state == "away":
            raise NotNow(f"{name} is away itself: {self._troubles()}")
        self._master = found

    def statuses(self) -> list[LinkStatus]:
        """Of all nodes."""
        writers = self._writers()
        return [link.status(writes=link in writers) for link in self._links]

    @property
    def complete(self) -> bool:
        """Every node has everything."""
        return all(link.complete for link in self._links)

    def storages(self) -> Iterable[Storage]:
        """Of the nodes that answer."""
        return [link.storage for link in self._answering(self._links)]

    def close(self) -> None:
        """Stop, and close the storages."""
        for link in self._links:
            link.stop()
        for link in self._links:
            link.storage.close()

    def _answering(self, links: Sequence[Link]) -> list[Link]:
        """Those that are worth asking. A node that is alone always is: nobody else could be asked instead."""
        if len(self._links) == 1:
            return list(self._links)
        return [link for link in links if link.state != "away"]

    def _writers(self) -> Sequence[Link]:
        return (self._master,) if self._how.strategy == "master-slave" else self._links

    def _accepted(self, block: Block) -> Link:
        """Whoever has taken it. The next one is asked when one fails: that one may have it all the same, and a block
        is known everywhere.
        """
        failure: NotNow | StoreFailed | None = None
        for link in self._balancer.order(self._answering(self._writers())):
            try:
                link.write(block, fresh=failure is None)
            except FAILURES as error:
                failure = error
            else:
                return link
        raise failure or NotNow(f"nobody accepts entries: {self._troubles()}")

    def _readers(self) -> list[Link]:
        if len(self._links) == 1:
            return list(self._links)
        whole = [link for link in self._links if link.complete]
        rest = [link for link in self._answering(self._links) if link not in whole]
        writers = self._writers()
        return [*self._balancer.order(whole), *sorted(rest, key=lambda link: link not in writers)]

    def _catch_up(self, link: Link) -> None:
        """Give the node what the others have, and them what only it has."""
        if self._how.strategy == "instances":
            return
        for other in self._links:
            if other is link or other.state == "away":
                continue
            try:
                _bring_over(other, link, self._clock)
                _bring_over(link, other, self._clock)
            except FAILURES as error:
                link.storage.ping()  # raises when it was this one's failure
                other.fail(error)

    def _troubles(self) -> str:
        return "; ".join(f"{each.name}: {each.trouble or each.state}" for each in self.statuses())


def _bring_over(source: Link, target: Link, clock: Clock) -> None:
    found = missing(source.storage, target.storage)
    left = sum(each.rows for each in found)
    if not left:
        return
    since = Nanoseconds(min(found[0].bucket * BUCKET, clock.now()))
    target.owe(left, since)
    try:
        for lacking in found:
            for rows in bring(source.storage, target.storage, lacking):
                target.owe(-rows, since)
                left -= rows
    finally:
        target.owe(-left, since)


def _resolved(written: Sequence[Future[None]], wanted: int, seconds: float) -> int:
    """How many were written when it was decided: enough, all others failed, or time was up."""
    done = 0
    try:
        for each in concurrent.futures.as_completed(written, timeout=seconds):
            done += each.exception() is None
            if done >= wanted:
                break
    except TimeoutError:
        pass
    return done
