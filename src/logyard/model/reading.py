"""How an encoded line is read: which of its keys fill which column.

A line is one JSON object as its sender wrote it. Its *known keys* fill the canonical columns; everything
else is kept as attributes. For one column the keys are tried in the order given here; the first that holds
something (not missing, not null, not "", not an object) is the one that is used, and only that one leaves the
attributes. A sender may name its own keys (VictoriaLogs' ``_msg_field``): those are then the only ones tried.

The spellings follow what the field's own shippers write: OpenTelemetry, ECS, bunyan, pino, zap, logrus, Serilog,
GELF, VictoriaLogs, Loki, Docker.
"""

import msgspec

__all__ = ["DEFAULT_READING", "Reading"]


class Reading(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The keys tried for each column, first match wins. A dotted key also finds the nested spelling, one level deep."""

    timestamp: tuple[str, ...] = (
        "timestamp", "time", "ts", "@timestamp", "_time", "datetime", "asctime", "eventTime", "@t",
    )  # fmt: skip
    level: tuple[str, ...] = (
        "level", "severity", "lvl", "log.level", "loglevel", "log_level", "levelname",
        "severity_text", "severityText", "@l",
    )  # fmt: skip
    message: tuple[str, ...] = (
        "message",
        "msg",
        "body",
        "_msg",
        "log",
        "short_message",
        "@m",
        "event.original",
    )
    service: tuple[str, ...] = (
        "service",
        "service_name",
        "service.name",
        "app",
        "application",
        "app_name",
        "serviceName",
    )
    host: tuple[str, ...] = ("host", "hostname", "host.name", "host_name")
    trace_id: tuple[str, ...] = ("trace_id", "traceId", "trace.id", "traceID", "traceid")
    span_id: tuple[str, ...] = ("span_id", "spanId", "span.id", "spanID", "spanid")
    correlation_id: tuple[str, ...] = ("correlation_id", "correlationId", "correlation.id")
    source: tuple[str, ...] = ("source", "source_file")
    stream_fields: tuple[str, ...] = ("service", "host")
    """Fields that make up the stream's identity: column names of ours, or the sender's own keys."""

    def encode(self) -> str:
        """Text form, empty for the default reading; travels in WAL frames."""
        return msgspec.json.encode(self).decode().removesuffix("{}")

    @staticmethod
    def decode(text: str) -> "Reading":
        """The inverse of ``encode``. Raises ``msgspec.ValidationError``."""
        return msgspec.json.decode(text or "{}", type=Reading)


DEFAULT_READING = Reading()
