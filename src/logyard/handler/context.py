"""What surrounds a record: fields bound to the task or thread, structlog's too, and OpenTelemetry's ids.

The caller takes a snapshot (``contextvars.copy_context``, constant time); it is looked into when the record is
written. Neither structlog nor OpenTelemetry is imported: what the program has not loaded cannot have set anything.
"""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, ContextVar
from types import MappingProxyType
from typing import Final, Protocol, cast

__all__ = ["bind", "fields", "speaks", "trace"]

_NOTHING: Final[Mapping[str, object]] = MappingProxyType({})
_BOUND: Final[ContextVar[Mapping[str, object]]] = ContextVar("logyard_bound", default=_NOTHING)
_STRUCTLOG: Final = "structlog_"
_OTHERS: Final = ("structlog", "opentelemetry.trace")
"""Modules that keep something in a context."""


@contextmanager
def bind(**values: object) -> Iterator[None]:
    """Put these fields on every record of this task or thread until the block ends."""
    token = _BOUND.set(MappingProxyType({**_BOUND.get(), **values}))
    try:
        yield
    finally:
        _BOUND.reset(token)


def speaks(context: Context) -> bool:
    """Whether a snapshot may say anything: most that are not empty hold what is no business of ours."""
    return bool(context.get(_BOUND, _NOTHING)) or any(name in sys.modules for name in _OTHERS)


def fields(context: Context) -> Mapping[str, object]:
    """All bound fields of a snapshot; ours win over structlog's."""
    found: dict[str, object] = {}
    if "structlog" in sys.modules:
        for variable, value in context.items():
            if variable.name.startswith(_STRUCTLOG) and value is not Ellipsis:  # structlog's mark for "unset"
                found[variable.name.removeprefix(_STRUCTLOG)] = value
    ours = context.get(_BOUND, _NOTHING)
    return {**found, **ours} if found else ours


class _SpanContext(Protocol):
    trace_id: int
    span_id: int


class _Span(Protocol):
    def get_span_context(self) -> _SpanContext: ...


class _Tracing(Protocol):
    def get_current_span(self) -> _Span: ...


def trace(context: Context) -> tuple[str, str]:
    """OpenTelemetry's trace and span id in hexadecimal, ("", "") outside a span."""
    tracing = sys.modules.get("opentelemetry.trace")
    if tracing is None:
        return "", ""
    try:
        span = context.run(cast("_Tracing", tracing).get_current_span).get_span_context()
    except Exception:  # noqa: BLE001 - a stranger's library in a state we do not know: no ids, and the record goes on
        return "", ""
    return (f"{span.trace_id:032x}", f"{span.span_id:016x}") if span.trace_id else ("", "")
