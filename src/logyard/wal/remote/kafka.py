"""A journal in a Kafka topic of one partition, one topic for each node.

One commit is one transaction of an idempotent producer with ``acks=all``: all of it or nothing. The transactional id
is the topic's name, so the broker lets only the last process that began with it write. Cursors lie in the metadata of
the offset that a consumer group of the same name has committed; the offset itself is where reading begins.
"""

import json
import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from typing import Final

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from logyard.errors import NotNow, StoreFailed
from logyard.wal.remote.address import Address
from logyard.wal.remote.journal import Entry, Span

__all__ = ["OPTIONS", "Kafka"]

OPTIONS: Final[Mapping[str, str]] = {"replicas": "3", "timeout": "5", "start": "30", "message_bytes": "900000"}
"""``message_bytes``: below the brokers' ``message.max.bytes``. ``replicas`` counts when the topic is made."""

_PARTITION: Final = 0
_NONE: Final = -1001
"""An offset that says: nothing has been committed."""
_log = logging.getLogger("logyard")


class Kafka:
    """``journal.Journal`` on Kafka."""

    capacity = -1

    def __init__(self, url: str, node: str) -> None:
        """Connects. Raises ``BadConfig``, ``StoreFailed``."""
        address = Address.parse(url, options=OPTIONS)
        self.name = f"{address.name}-{node}"
        self.limit = int(address.number("message_bytes", least=4096))
        self._seconds = address.number("timeout", least=0.1)
        self._patience = address.number("start")
        self._replicas = int(address.number("replicas"))
        self._common: dict[str, str | int | float | bool] = {
            "bootstrap.servers": ",".join(address.hosts),
            "client.id": "logyard buffer",
            "logger": _log,  # type: ignore[dict-item]  # the client's own option
            "log_level": 0,
        }
        if address.user:
            user, _, password = address.user.partition(":")
            self._common |= {"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "PLAIN"}
            self._common |= {"sasl.username": user, "sasl.password": password}
        self._last = -1
        self._first = 0
        self._cursors: Mapping[str, int] = {}
        self._saving = threading.Lock()
        self._producer: Producer | None = None
        self._deleting: list[Future[object]] = []
        self._admin = AdminClient(self._common)
        self._group = Consumer(
            {
                **self._common,
                "group.id": self.name,
                "enable.auto.commit": False,
                "auto.offset.reset": "earliest",
                "isolation.level": "read_committed",
                "enable.partition.eof": True,
                "fetch.message.max.bytes": 4 * self.limit,
            }
        )

    def claim(self, entry: Entry) -> Span:
        """Begin with the transactional id: whoever had it before is shut out."""
        try:
            self._make_topic()
            self._begin(self._patience)
            saved = self._committed()
            (last,) = self._write([entry], self._patience)
            low, _ = self._group.get_watermark_offsets(self._place(), timeout=self._patience)
        except (KafkaException, NotNow) as error:
            raise StoreFailed(f"cannot open the buffer {self.name}: {_reason(error)}") from error
        if saved.offset <= last:  # beyond the end it is of a topic that was deleted
            self._first = max(saved.offset, 0)
            self._cursors = json.loads(saved.metadata or "{}")
        if low > self._first:
            _log.error(
                "messages %d to %d of %s are gone, though nobody purged them (retention?): records may be lost",
                self._first,
                low - 1,
                self.name,
            )
            self._first = low
        return Span(self._first, last)

    def read(self, span: Span) -> Iterator[tuple[int, bytes]]:
        """The messages of a span, in order."""
        self._group.assign([self._place(span.first)])
        while True:
            message = self._group.poll(self._patience)
            error = message.error() if message is not None else None
            if message is None or (error is not None and error.code() != KafkaError._PARTITION_EOF):  # noqa: SLF001 - so it is called
                raise StoreFailed(f"cannot read the buffer {self.name}: {error or 'no answer'}")
            if error is None:
                yield _offset(message), message.value() or b""
            if _offset(message) >= span.last:
                return

    def append(self, entries: Sequence[Entry]) -> Sequence[int]:
        """One transaction."""
        return self._write(entries, self._seconds)

    def refresh(self) -> bytes:
        """Begin anew, which ends what was under way, one way or the other; then look at the end."""
        self._begin(self._seconds)
        return self._end()

    def load(self) -> Mapping[str, int]:
        """The cursors that were found with ``claim``."""
        return self._cursors

    def save(self, cursors: Mapping[str, int]) -> None:
        """As the metadata of the group's offset."""
        with self._saving:
            self._cursors = dict(cursors)
            self._commit()

    def purge(self, through: int) -> None:
        """Reading begins behind it from now on; the broker may remove what lies before."""
        with self._saving:
            self._first = through + 1
            self._commit()
        # Not waited for: it costs the brokers' room only, and the next purge asks for it again.
        self._deleting = list(self._admin.delete_records([self._place(through + 1)]).values())
        for outcome in self._deleting:
            outcome.add_done_callback(_noted)

    def close(self) -> None:
        """Let go."""
        # The client's own thread must be done with them before the client goes.
        wait(self._deleting, self._seconds)
        self._producer = None
        self._group.close()

    def _make_topic(self) -> None:
        topics = Producer(self._common).list_topics(self.name, timeout=self._patience).topics
        if topics[self.name].error is None:
            return
        made = NewTopic(
            self.name,
            num_partitions=1,
            replication_factor=self._replicas,
            config={"min.insync.replicas": str(max(1, self._replicas // 2 + 1)), "retention.ms": "-1"},
        )
        for outcome in self._admin.create_topics([made]).values():
            try:
                outcome.result(self._patience)
            except TimeoutError as error:
                raise NotNow("the topic was not made in time") from error

    def _begin(self, seconds: float) -> None:
        """A new producer. Raises ``NotNow``."""
        self._producer = None
        producer = Producer(
            {
                **self._common,
                "transactional.id": self.name,
                "acks": "all",
                "linger.ms": 0,
                "message.max.bytes": 2 * self.limit,
                "transaction.timeout.ms": int(1000 * max(self._seconds, 1)),
            }
        )
        try:
            producer.init_transactions(seconds)
        except KafkaException as error:
            raise _away(error) from error
        self._producer = producer

    def _write(self, entries: Sequence[Entry], seconds: float) -> Sequence[int]:
        if self._producer is None:
            raise NotNow(f"Kafka: {self.name} is not claimed at the moment", retry_after=2)
        producer = self._producer
        outcomes: list[tuple[KafkaError | None, int]] = []
        try:
            producer.begin_transaction()
            for entry in entries:
                producer.produce(
                    self.name,
                    entry.data,
                    partition=_PARTITION,
                    on_delivery=lambda error, message: outcomes.append((error, _offset(message))),
                )
            producer.commit_transaction(seconds)
        except (KafkaException, BufferError) as error:
            raise _away(error) from error
        if len(outcomes) != len(entries) or any(error is not None for error, _ in outcomes):
            raise NotNow(f"Kafka has not told what it kept of {self.name}", retry_after=2)
        self._last = outcomes[-1][1]
        return [offset for _, offset in outcomes]

    def _end(self) -> bytes:
        """The last message, read from the last that is known."""
        self._group.assign([self._place(max(self._last, self._first))])
        last = b""
        while True:
            message = self._group.poll(self._seconds)
            if message is None:
                raise NotNow(f"Kafka does not answer ({self.name})", retry_after=2)
            error = message.error()
            if error is None:
                last = message.value() or b""
            elif error.code() == KafkaError._PARTITION_EOF:  # noqa: SLF001 - so it is called
                return last
            else:
                raise NotNow(f"Kafka: {error}", retry_after=2)

    def _committed(self) -> TopicPartition:
        (found,) = self._group.committed([self._place()], timeout=self._patience)
        return found

    def _commit(self) -> None:
        place = TopicPartition(self.name, _PARTITION, self._first, json.dumps(dict(self._cursors)))
        try:
            self._group.commit(offsets=[place], asynchronous=False)
        except KafkaException as error:
            raise _away(error) from error

    def _place(self, offset: int = _NONE) -> TopicPartition:
        return TopicPartition(self.name, _PARTITION, offset)


def _noted(outcome: "Future[object]") -> None:
    """Holds nothing: it runs in the admin client's thread, where nothing of ours may end."""
    if (error := outcome.exception()) is not None:
        _log.debug("Kafka keeps what was purged: %s", error)


def _offset(message: Message) -> int:
    offset = message.offset()
    return _NONE if offset is None else offset


def _away(error: Exception) -> NotNow:
    return NotNow(f"Kafka: {_reason(error)}", retry_after=2)


def _reason(error: Exception) -> str:
    told = error.args[0] if error.args else None
    return told.str() if isinstance(told, KafkaError) else str(error)
