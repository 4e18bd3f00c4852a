"""To Kafka: a message for each record, by an idempotent producer that waits for all replicas in sync.

    topic, key, value {"timestamp":"...","message":"paid"}, header logyard-id: <batch>-<row>

Within one life of this process nothing is there twice and the order of a key is kept; what a crash makes come again has
the same ``logyard-id``, by which a consumer can tell. A record larger than a message may be is refused.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Final, Literal

import msgspec

from logyard.errors import BadConfig, MissingPart, NotNow
from logyard.formats.json.batches import joined
from logyard.model.batch import Batch
from logyard.outputs.rendering.canonical import canonical
from logyard.outputs.rendering.lines import keys, owners
from logyard.outputs.rendering.template import Template
from logyard.ports import Place, Refused
from logyard.registry import component

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, Producer

    _Answer = Callable[[KafkaError | None, Message], None]

__all__ = ["Kafka", "KafkaConfig"]

_HEADER: Final = "logyard-id"
_POLL_SECONDS: Final = 0.1
_CLOSE_SECONDS: Final = 5.0
_OURS: Final = {"bootstrap.servers", "enable.idempotence", "acks", "message.timeout.ms"}


class KafkaConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where, and under which topic."""

    brokers: tuple[str, ...]
    """``HOST:PORT``, some of them."""
    topic: str = "logs"
    """May hold ``%Y %m %d %H`` of the record's time and ``{service}``, ``{host}``, ``{source}``, ``{level}``."""
    key: str = "{service}"
    """Of the message, which decides about its partition; "": none."""
    compression: Literal["none", "gzip", "snappy", "lz4", "zstd"] = "zstd"
    timeout: Annotated[float, msgspec.Meta(gt=0)] = 60.0
    """Seconds until a message that was not acknowledged counts as not delivered."""
    options: dict[str, str] = {}
    """Of librdkafka, by its own names: ``security.protocol``, ``sasl.username`` ..."""


@component("kafka", config=KafkaConfig, example='brokers = ["127.0.0.1:9092"]\ntopic = "logs"\n')
class Kafka:
    """Kafka, by an idempotent producer."""

    def __init__(self, config: KafkaConfig) -> None:
        """Raises ``BadConfig``, ``MissingPart``."""
        if not config.brokers or _OURS.intersection(config.options):
            raise BadConfig(f"brokers, one at least, and options other than {sorted(_OURS)}", path="brokers")
        self._config = config
        self._topic = Template(config.topic, path="topic", dots=True)
        self._key = Template(config.key, path="key", dots=True) if config.key else None
        self._producer, self._failure, self._too_large = _producer(config)

    async def open(self, place: Place) -> None:
        """Nothing to prepare: the producer connects by itself."""

    async def write(self, batches: Sequence[Batch]) -> Sequence[Refused]:
        """Return when all replicas in sync have what fits into messages."""
        errors = await asyncio.to_thread(self._produce, batches)
        others = [error for error in errors.values() if error.code() != self._too_large]
        if others:
            raise NotNow(f"Kafka: {len(others)} of {sum(batch.rows for batch in batches)}: {others[0].str()}")
        owned = owners(batches)
        return [Refused(*owned[row], error.str()) for row, error in sorted(errors.items())]

    async def close(self) -> None:
        """End the producer."""
        await asyncio.to_thread(self._producer.flush, _CLOSE_SECONDS)

    def _produce(self, batches: Sequence[Batch]) -> Mapping[int, "KafkaError"]:
        """Errors by row. Every message has its answer when this returns, so that none comes late and twice."""
        frame = joined(batches)
        topics, lines, ids = self._topic.of(frame), canonical(frame), keys(batches)
        chosen = self._key.of(frame).to_list() if self._key is not None else [None] * frame.height
        answers: dict[int, KafkaError | None] = {}
        for row, (topic, line) in enumerate(zip(topics, lines, strict=True)):
            message = {"key": chosen[row], "value": line, "headers": {_HEADER: ids[row]}}
            self._put(topic, message, _answer(row, answers))
        while len(answers) < frame.height:
            self._producer.poll(_POLL_SECONDS)
        return {row: error for row, error in answers.items() if error is not None}

    def _put(self, topic: str, message: Mapping[str, object], answer: "_Answer") -> None:
        while True:
            try:
                self._producer.produce(topic, on_delivery=answer, **message)  # type: ignore[arg-type] # text and headers
            except BufferError:  # its queue is full: wait until some of it is delivered
                self._producer.poll(_POLL_SECONDS)
                continue
            except self._failure as error:  # refused before it is sent
                answer(error.args[0], None)  # type: ignore[arg-type] # there is no message
            return


def _answer(row: int, answers: "dict[int, KafkaError | None]") -> "_Answer":
    def answer(error: "KafkaError | None", _: "Message") -> None:
        answers[row] = error

    return answer


def _producer(config: KafkaConfig) -> tuple["Producer", type[Exception], int]:
    """The client, what its errors have in common, and the code of a message that is too large."""
    try:
        from confluent_kafka import KafkaError, KafkaException, Producer  # noqa: PLC0415 - an optional part
    except ImportError as error:
        raise MissingPart("an output of type kafka", "kafka") from error
    settings = {
        "linger.ms": 20,
        "compression.type": config.compression,
        "log_level": 0,
        **config.options,
        "bootstrap.servers": ",".join(config.brokers),
        "enable.idempotence": True,
        "acks": "all",
        "message.timeout.ms": int(config.timeout * 1000),
    }
    try:
        return Producer(settings), KafkaException, KafkaError.MSG_SIZE_TOO_LARGE
    except KafkaException as error:
        raise BadConfig(str(error.args[0].str()), path="options") from error
