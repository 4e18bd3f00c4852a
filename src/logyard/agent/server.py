"""The agent's gRPC server: where it listens, who may call, whether it is well, how it ends.

    listener (TCP or Unix socket, TLS, mTLS) ──► token ──► Service ──► driver
                                             └──► grpc.health.v1, reflection

Health: ``""`` and ``logyard.agent.v1.Agent`` are SERVING while the engine answers. Before the server stops they are
NOT_SERVING, calls under way get ``grace_seconds``, then they are cancelled.
"""

import asyncio
import contextlib
import hmac
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from logyard.agent.driver import Driver
from logyard.clock import Clock
from logyard.config import AgentConfig
from logyard.errors import BadConfig, LogyardError, MissingPart

try:
    import grpc
    import grpc.aio
    from google.protobuf.message import Message
    from grpc_health.v1 import health as health_v1
    from grpc_health.v1 import health_pb2, health_pb2_grpc
    from grpc_health.v1.health import aio as health
    from grpc_reflection.v1alpha import reflection
except ImportError as error:
    raise MissingPart("the container agent", "grpc") from error

from logyard.agent.methods import SERVICE
from logyard.agent.service import Service, abort, handlers
from logyard.agent.statuses import Unauthenticated

__all__ = ["serving"]

_OPTIONS: Final = (
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ("grpc.http2.max_pings_without_data", 0),
    ("grpc.max_receive_message_length", 4 << 20),
    ("grpc.so_reuseport", 0),  # two agents at one port is a mistake, not a wish
)
_CHECK_SECONDS: Final = 2.0
_OPEN: Final = ("/grpc.health.v1.Health/",)
"""Methods that need no token."""

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Message, Message]
    Handler = grpc.RpcMethodHandler[Message, Message]


@asynccontextmanager
async def serving(config: AgentConfig, driver: Driver, clock: Clock) -> AsyncIterator[str]:
    """A server that answers, under the address that is given; leaving the context stops it. Raises ``BadConfig``."""
    interceptors = [_Token(config.token_file)] if config.token_file else []
    server = grpc.aio.server(interceptors=interceptors, options=_OPTIONS)
    server.add_generic_rpc_handlers((handlers(Service(driver, clock)),))
    well = health.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(well, server)
    reflection.enable_server_reflection((SERVICE, health_v1.SERVICE_NAME, reflection.SERVICE_NAME), server)
    address = _listen(server, config)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(driver.close)
        await server.start()
        stack.push_async_callback(server.stop, config.grace_seconds)
        stack.push_async_callback(well.enter_graceful_shutdown)
        await stack.enter_async_context(_watched(well, driver))
        yield address


def _listen(server: grpc.aio.Server, config: AgentConfig) -> str:
    listen, secure = config.listen, bool(config.tls_cert)
    local = listen.startswith("unix:") or _is_loopback(listen)
    if not local and not config.insecure and not (secure and (config.token_file or config.tls_client_ca)):
        raise BadConfig(
            f"{listen} can be reached from outside, and who can call an agent owns its machine: set agent.tls_cert and "
            "agent.tls_key, and agent.tls_client_ca or agent.token_file",
            path="agent.listen",
        )
    try:
        port = server.add_secure_port(listen, _credentials(config)) if secure else server.add_insecure_port(listen)
    except RuntimeError as error:
        raise BadConfig(f"cannot listen on {listen}: the address is in use or not ours", path="agent.listen") from error
    if listen.startswith("unix:"):
        Path(listen.removeprefix("unix:").removeprefix("//")).chmod(0o600)
        return listen
    return f"{listen.rpartition(':')[0]}:{port}"


def _is_loopback(listen: str) -> bool:
    host = listen.rpartition(":")[0].strip("[]")
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _credentials(config: AgentConfig) -> grpc.ServerCredentials:
    pair = (_read(config.tls_key, "tls_key"), _read(config.tls_cert, "tls_cert"))
    roots = _read(config.tls_client_ca, "tls_client_ca") if config.tls_client_ca else None
    return grpc.ssl_server_credentials([pair], root_certificates=roots, require_client_auth=roots is not None)


def _read(path: str, setting: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise BadConfig(f"cannot read {path!r}: {error.strerror}", path=f"agent.{setting}") from error


@asynccontextmanager
async def _watched(well: health.HealthServicer, driver: Driver) -> AsyncIterator[None]:
    """Health follows the engine for as long as the context."""
    await _tell(well, up=await _answers(driver))

    async def watch() -> None:
        while True:
            await asyncio.sleep(_CHECK_SECONDS)
            await _tell(well, up=await _answers(driver))

    task = asyncio.create_task(watch(), name="agent health")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _answers(driver: Driver) -> bool:
    try:
        await driver.ping()
    except LogyardError:
        return False
    return True


async def _tell(well: health.HealthServicer, *, up: bool) -> None:
    status = health_pb2.HealthCheckResponse.SERVING if up else health_pb2.HealthCheckResponse.NOT_SERVING
    for service in ("", SERVICE):
        await well.set(service, status)


class _Token(grpc.aio.ServerInterceptor):
    """Lets calls through that bring ``authorization: Bearer TOKEN``."""

    def __init__(self, path: str) -> None:
        token = _read(path, "token_file").strip()
        if not token:
            raise BadConfig(f"there is no token in {path}", path="agent.token_file")
        self._wanted = b"Bearer " + token

    async def intercept_service(  # type: ignore[override]  # gRPC's types are generic in each method's own messages
        self,
        continuation: Callable[[grpc.HandlerCallDetails], "Awaitable[Handler | None]"],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> "Handler | None":
        """The method itself, or one that refuses."""
        handler = await continuation(handler_call_details)
        details = cast("_Details", handler_call_details)
        given = next((value for key, value in details.invocation_metadata if key == "authorization"), "")
        text = given if isinstance(given, bytes) else given.encode()
        if handler is None or details.method.startswith(_OPEN) or hmac.compare_digest(text, self._wanted):
            return handler
        return _refusing(handler)


class _Details:
    """What gRPC gives an interceptor; its own types do not say so."""

    method: str
    invocation_metadata: tuple[tuple[str, str | bytes], ...]


def _refusing(handler: "Handler") -> "Handler":
    async def single(_asked: object, context: "Context") -> Message:
        await abort(context, Unauthenticated("a bearer token is needed: 'authorization: Bearer TOKEN'"))

    async def streamed(_asked: object, context: "Context") -> AsyncIterator[Message]:
        yield await single(_asked, context)

    if not handler.response_streaming:
        return grpc.unary_unary_rpc_method_handler(single)
    make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler
    return make(streamed)
