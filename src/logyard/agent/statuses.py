"""Errors as gRPC statuses, in one place: the code, the words, and google.rpc details for programs."""

from typing import Final

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from logyard.agent.driver import AlreadyExists, EngineDown, WrongState
from logyard.agent.v1 import details_pb2 as details
from logyard.errors import BadInput, LogyardError, NotFound, NotNow

__all__ = ["DETAILS_KEY", "BadField", "Unauthenticated", "status_of"]

DETAILS_KEY: Final = "grpc-status-details-bin"
_DOMAIN: Final = "logyard.agent"


class BadField(BadInput):
    """A field of a request that cannot be used."""

    def __init__(self, field: str, reason: str) -> None:
        """``field`` as the .proto has it."""
        super().__init__(reason)
        self.field = field


class Unauthenticated(LogyardError):
    """No bearer token, or a wrong one."""


_CODES: Final = (
    (Unauthenticated, grpc.StatusCode.UNAUTHENTICATED),
    (AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (WrongState, grpc.StatusCode.FAILED_PRECONDITION),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (BadInput, grpc.StatusCode.INVALID_ARGUMENT),
    (EngineDown, grpc.StatusCode.UNAVAILABLE),
    (NotNow, grpc.StatusCode.UNAVAILABLE),
    (LogyardError, grpc.StatusCode.INTERNAL),
)
"""The first that fits."""


def status_of(error: LogyardError) -> tuple[grpc.StatusCode, str, bytes]:
    """Code, words, and the serialized google.rpc.Status for the trailing metadata."""
    code = next(code for kind, code in _CODES if isinstance(error, kind))
    said: list[tuple[str, Message]] = [
        ("ErrorInfo", details.ErrorInfo(reason=type(error).__name__, domain=_DOMAIN)),
    ]
    if isinstance(error, BadField):
        violation = details.BadRequest.FieldViolation(field=error.field, description=str(error))
        said.append(("BadRequest", details.BadRequest(field_violations=[violation])))
    if isinstance(error, NotNow):
        delay = Duration()
        delay.FromMilliseconds(int(1000 * error.retry_after))
        said.append(("RetryInfo", details.RetryInfo(retry_delay=delay)))
    number: int = code.value[0]
    status = details.StatusDetail(code=number, message=str(error), details=[_any(*part) for part in said])
    return code, str(error), status.SerializeToString()


def _any(name: str, message: Message) -> Any:
    return Any(type_url=f"type.googleapis.com/google.rpc.{name}", value=message.SerializeToString())
