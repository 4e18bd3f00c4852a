"""An agent, seen from the command line: one channel, whose errors are those of ``errors.py``."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final, Protocol, Self, TypeVar, cast

import typer

from logyard.config import variable
from logyard.errors import BadConfig, BadInput, LogyardError, MissingPart, NotFound, NotNow

try:
    import grpc
    from google.protobuf.message import Message
except ImportError as error:
    raise MissingPart("the container commands", "grpc") from error

from logyard.agent.methods import METHODS, SERVICE
from logyard.agent.v1 import agent_pb2 as pb

__all__ = ["Agent", "Call", "HostOption", "failed", "is_lost"]

_PORT: Final = 50_051
_OPTIONS: Final = (
    ("grpc.max_receive_message_length", 16 << 20),
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.enable_retries", 0),
)
_CODES: Final[Mapping[grpc.StatusCode, Callable[[str], LogyardError]]] = {
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.INVALID_ARGUMENT: BadInput,
    grpc.StatusCode.ALREADY_EXISTS: BadInput,
    grpc.StatusCode.FAILED_PRECONDITION: BadInput,
    grpc.StatusCode.UNAVAILABLE: NotNow,
}

HostOption = Annotated[
    str,
    typer.Option(
        "--host",
        envvar="LOGYARD_HOST",
        show_envvar=True,
        metavar="HOST[:PORT]",
        help="The agent, or unix:PATH; may also stand before the command.",
    ),
]

Answer = TypeVar("Answer", bound=Message)
SaidT_co = TypeVar("SaidT_co", covariant=True)


class Call(Protocol[SaidT_co]):
    """Answers as they come; ``cancel`` from any thread ends it."""

    def __iter__(self) -> Iterator[SaidT_co]: ...

    def cancel(self) -> bool:
        """From any thread; iterating then raises."""
        ...


class Agent:
    """One agent. Any thread.

    LOGYARD_TOKEN is sent as bearer token; with LOGYARD_TLS_CA (or LOGYARD_TLS=1 for the roots of this system) the
    connection is TLS, and with LOGYARD_TLS_CERT and LOGYARD_TLS_KEY it is mTLS.
    """

    def __init__(self, host: str) -> None:
        self.address = _address(host or "127.0.0.1")
        credentials = _credentials()
        if credentials is None:
            self._channel = grpc.insecure_channel(self.address, options=_OPTIONS)
        else:
            self._channel = grpc.secure_channel(self.address, credentials, options=_OPTIONS)
        token = variable("LOGYARD_TOKEN")
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._channel.close()

    def ask(self, method: str, request: Message, kind: type[Answer], *, seconds: float = 60.0) -> Answer:
        """One answer. Raises what ``failed`` gives."""
        call = self._channel.unary_unary(
            f"/{SERVICE}/{method}",
            request_serializer=METHODS[method].request.SerializeToString,
            response_deserializer=kind.FromString,
        )
        with self.errors():
            return call(request, timeout=seconds, metadata=self._metadata)

    def stream(self, method: str, request: Message, kind: type[Answer]) -> Call[Answer]:
        """Answers as they come; iterate within ``errors``."""
        call = self._channel.unary_stream(
            f"/{SERVICE}/{method}",
            request_serializer=METHODS[method].request.SerializeToString,
            response_deserializer=kind.FromString,
        )
        return cast("Call[Answer]", call(request, metadata=self._metadata))

    def exec(self, requests: Iterable[pb.ExecRequest]) -> Call[pb.ExecResponse]:
        """Both ways at once."""
        call = self._channel.stream_stream(
            f"/{SERVICE}/ExecContainer",
            request_serializer=pb.ExecRequest.SerializeToString,
            response_deserializer=pb.ExecResponse.FromString,
        )
        return cast("Call[pb.ExecResponse]", call(iter(requests), metadata=self._metadata))

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Statuses as errors."""
        try:
            yield
        except grpc.RpcError as error:
            raise failed(error, self.address) from error


def failed(error: grpc.RpcError, address: str) -> LogyardError:
    """The error that a status stands for; the agent's own words where it has said any."""
    code, words = _code(error)
    if is_lost(error):
        return NotNow(f"cannot reach the agent at {address}: {words}. Is it running? 'logyard agent' starts it.")
    kind = _CODES.get(code, LogyardError)
    return kind(words or str(code))


def is_lost(error: grpc.RpcError) -> bool:
    """The agent itself cannot be reached: what it says about an engine carries details."""
    trailing = cast("grpc.Call", error).trailing_metadata() or ()
    named = any(key == "grpc-status-details-bin" for key, *_ in trailing)
    return _code(error)[0] is grpc.StatusCode.UNAVAILABLE and not named


def _code(error: grpc.RpcError) -> tuple[grpc.StatusCode, str]:
    call = cast("grpc.Call", error)
    return call.code(), call.details() or ""


def _address(host: str) -> str:
    if host.startswith("unix:"):
        return host
    name, colon, port = host.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        return f"{host}:{_PORT}"
    if not colon:
        return f"{host}:{_PORT}"
    if not port.isdecimal() or not name:
        raise BadInput(f"{host!r} is not HOST or HOST:PORT")
    return host


def _credentials() -> grpc.ChannelCredentials | None:
    roots, cert, key = (variable(f"LOGYARD_TLS_{name}") for name in ("CA", "CERT", "KEY"))
    if not roots and variable("LOGYARD_TLS") in {"", "0"}:
        return None
    return grpc.ssl_channel_credentials(_read(roots), _read(key), _read(cert))


def _read(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes() if path else None
    except OSError as error:
        raise BadConfig(f"cannot read {path!r}: {error.strerror}") from error
