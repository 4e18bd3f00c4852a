"""The mock cluster of librdkafka: brokers over TCP, in memory, in this process.

It knows transactions, offsets of groups and watermarks. It does not know: fencing of an older producer, aborted
messages that stay invisible, deleting records, the admin protocol, leaders that die. A partition holds 5 MB, then the
oldest messages go.
"""

from typing import Final, Self

from confluent_kafka import Producer

__all__ = ["KafkaMock"]

_SECONDS: Final = 120.0


class KafkaMock:
    """Lives from ``start`` to ``stop``; a context does both."""

    def __init__(self) -> None:
        """Starts nothing."""
        self._owner: Producer | None = None
        self._brokers: list[str] = []

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Begin, on free ports."""
        self._owner = Producer({"bootstrap.servers": "none:1", "test.mock.num.brokers": 3, "log_level": 0})
        brokers = self._owner.list_topics(timeout=_SECONDS).brokers.values()
        self._brokers = [f"{broker.host}:{broker.port}" for broker in brokers]

    def stop(self) -> None:
        """End: everything is forgotten, and connections are refused."""
        self._owner = None

    def url(self, topic: str, *, more: str = "") -> str:
        """Of a buffer."""
        return f"kafka://{','.join(self._brokers)}/{topic}?replicas=1{more}"
