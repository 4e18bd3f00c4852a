"""The service: a request to the driver, the driver's answer to a response; nothing else is decided here.

``handlers`` gives gRPC the methods by the names of the .proto. Errors become statuses in ``statuses.py``.
"""

import asyncio
import contextlib
import logging
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, NoReturn, cast

import grpc
import grpc.aio
from google.protobuf.message import Message

from logyard.agent import messages
from logyard.agent.asked import logs_request
from logyard.agent.driver import STDERR, Driver, Exec, ExecSession, Line, Sample, has_labels
from logyard.agent.follow import Lines, Request, Said, read
from logyard.agent.methods import METHODS, SERVICE
from logyard.agent.stamps import SECOND
from logyard.agent.statuses import DETAILS_KEY, BadField, status_of
from logyard.agent.v1 import agent_pb2 as pb
from logyard.agent.window import DISORDER
from logyard.clock import Clock
from logyard.errors import LogyardError

__all__ = ["Service", "abort", "handlers"]

if TYPE_CHECKING:
    Context = grpc.aio.ServicerContext[Message, Message]
    Handler = grpc.RpcMethodHandler[Message, Message]
Answer = Awaitable[Message] | AsyncIterator[Message]

_log = logging.getLogger("logyard")


class Service:
    """The methods, each named as in the .proto."""

    def __init__(self, driver: Driver, clock: Clock) -> None:
        self._driver, self._clock = driver, clock

    async def LaunchContainer(self, asked: pb.LaunchRequest) -> pb.Container:  # noqa: N802 - the name in the .proto
        """Create and start."""
        if not asked.image:
            raise BadField("image", "no image is named")
        return messages.container(await self._driver.launch(messages.launch(asked)))

    async def StopContainer(self, asked: pb.StopRequest) -> pb.StopResponse:  # noqa: N802 - the name in the .proto
        """Return when it has stopped."""
        if asked.timeout_seconds < 0:
            raise BadField("timeout_seconds", "a timeout must be non-negative")
        await self._driver.stop(asked.container_identifier, asked.timeout_seconds)
        return pb.StopResponse(success=True, message=f"Container '{asked.container_identifier}' stopped")

    async def Remove(self, asked: pb.RemoveRequest) -> pb.RemoveResponse:  # noqa: N802 - the name in the .proto
        """Remove."""
        await self._driver.remove(asked.container_identifier, force=asked.force)
        return pb.RemoveResponse(success=True, message=f"Container '{asked.container_identifier}' removed")

    async def List(self, asked: pb.ListRequest) -> pb.ListResponse:  # noqa: N802 - the name in the .proto
        """Running ones, or all; by labels."""
        found = [
            messages.container(container)
            for container in sorted(await self._driver.containers(), key=lambda each: -each.created)
            if (asked.all or container.alive) and has_labels(container.labels, asked.labels)
        ]
        return pb.ListResponse(containers=found)

    async def Inspect(self, asked: pb.InspectRequest) -> pb.Container:  # noqa: N802 - the name in the .proto
        """One, with all that the engine says."""
        return messages.container(await self._driver.inspect(asked.container_identifier))

    async def HostInfo(self, asked: pb.HostInfoRequest) -> pb.HostInfoResponse:  # noqa: N802 - the name in the .proto
        """Where this is."""
        return messages.host(await self._driver.host(), self._driver.name)

    async def Events(self, asked: pb.EventsRequest) -> AsyncIterator[pb.Event]:  # noqa: N802 - the name in the .proto
        """From now on."""
        async for event in self._driver.events():
            if event.action == "connected" or (event.action and has_labels(event.labels, asked.labels)):
                yield messages.event(event)

    async def Stats(self, asked: pb.StatsRequest) -> AsyncIterator[pb.StatsSample]:  # noqa: N802 - the name in the .proto
        """One sample, or one each interval."""
        if asked.interval_seconds < 0:
            raise BadField("interval_seconds", "an interval must be non-negative")
        before: Sample | None = None
        while True:
            now = await self._driver.sample(asked.container_identifier)
            yield messages.sample(now, before)
            if not asked.interval_seconds:
                return
            before = now
            await asyncio.sleep(asked.interval_seconds)

    async def GetLogs(self, asked: pb.LogsRequest) -> AsyncIterator[pb.LogsResponse]:  # noqa: N802 - the name in the .proto
        """The log, as it is asked for."""
        request = logs_request(asked, self._clock)
        async for response in self._said(asked, request):
            yield response
        message = f"Finished streaming logs for container '{asked.container_identifier}'"
        yield pb.LogsResponse(status=pb.LogsStatus(success=True, message=message, finished=True))

    async def _said(self, asked: pb.LogsRequest, request: Request) -> AsyncIterator[pb.LogsResponse]:
        """Ends at ``until``, whether or not lines still come."""
        said = read(self._driver, request, self._clock)
        until = request.window.until if request.follow else 0
        async with contextlib.aclosing(said):
            while (now := await self._next(said, until)) is not None:
                for response in _shown(now, asked):
                    yield response

    async def _next(self, said: AsyncIterator[Said], until: int) -> Said | None:
        try:
            async with asyncio.timeout(self._left(until)):
                return await anext(said, None)
        except TimeoutError:
            return None

    def _left(self, until: int) -> float | None:
        """Seconds until lines from before ``until`` have certainly come."""
        return max(0.0, (until + DISORDER - self._clock.now()) / SECOND) if until else None

    async def ExecContainer(  # noqa: N802 - the name in the .proto
        self, requests: AsyncIterator[pb.ExecRequest]
    ) -> AsyncIterator[pb.ExecResponse]:
        """Run a command; what it is told and what it says go at the same time."""
        start = await anext(aiter(requests), None)
        if start is None or not start.HasField("start") or not start.start.command:
            raise BadField("start", "the first message must be a start with a command")
        name, command = start.start.container_identifier, messages.exec_command(start.start)
        _log.info("exec in %s: %s", name, command.command[0], extra={"command": list(command.command)})
        session = await self._driver.exec(name, command)
        telling = _Telling(session)
        told = asyncio.create_task(telling.run(requests, command), name="exec stdin")
        try:
            async for lines in session.output():
                for line in lines:
                    yield _output(line)
            if telling.error is not None:
                raise telling.error
            yield pb.ExecResponse(exit_code=await session.exit_code())
        finally:
            told.cancel()
            await asyncio.gather(told, return_exceptions=True)
            await session.close()


def _shown(said: Said, asked: pb.LogsRequest) -> Iterator[pb.LogsResponse]:
    if not isinstance(said, Lines):
        return iter([messages.notice(said)])
    return messages.batches(said, timestamps=asked.timestamps) if asked.batches else messages.entries(said)


class _Telling:
    """What the caller sends, to the command."""

    def __init__(self, session: ExecSession) -> None:
        self._session = session
        self.error: LogyardError | None = None
        """A request that could not be done: the session is over then."""

    async def run(self, requests: AsyncIterator[pb.ExecRequest], command: Exec) -> None:
        """The end of the requests is the end of stdin."""
        try:
            async for request in requests:
                await self._one(request)
        except LogyardError as error:
            self.error = error
            await self._session.close()
            return
        if command.interactive and not command.tty:
            await self._session.close_stdin()

    async def _one(self, request: pb.ExecRequest) -> None:
        match request.WhichOneof("request"):
            case "stdin":
                await self._session.write(request.stdin)
            case "resize":
                await self._session.resize(request.resize.columns, request.resize.rows)
            case "signal":
                await self._session.signal(_signal(request.signal))
            case "close_stdin":
                await self._session.close_stdin()
            case _:
                raise BadField("request", "a session has one start, as its first message")


def _output(line: Line) -> pb.ExecResponse:
    return pb.ExecResponse(stderr=line.data) if line.stream == STDERR else pb.ExecResponse(stdout=line.data)


def _signal(name: str) -> int:
    with contextlib.suppress(ValueError, KeyError):
        if name.isdecimal():
            return signal.Signals(int(name))
        return signal.Signals[f"SIG{name.upper().removeprefix('SIG')}"]
    raise BadField("signal", f"there is no signal {name!r}")


def handlers(service: Service) -> grpc.GenericRpcHandler:
    """All methods, for a server."""
    made = {name: _handler(getattr(service, name), name) for name in METHODS}
    return grpc.method_handlers_generic_handler(SERVICE, made)


def _handler(run: Callable[..., Answer], name: str) -> "Handler":
    method = METHODS[name]
    make = {
        (False, False): grpc.unary_unary_rpc_method_handler,
        (False, True): grpc.unary_stream_rpc_method_handler,
        (True, True): grpc.stream_stream_rpc_method_handler,
    }[method.streams_request, method.streams_response]
    return make(
        _streamed(run) if method.streams_response else _single(run),
        request_deserializer=method.request.FromString,
        response_serializer=method.response.SerializeToString,
    )


def _single(run: Callable[..., Answer]) -> Callable[[Message, "Context"], Awaitable[Message]]:
    async def behave(asked: Message, context: "Context") -> Message:
        try:
            return await cast("Awaitable[Message]", run(asked))
        except LogyardError as error:
            await abort(context, error)

    return behave


def _streamed(run: Callable[..., Answer]) -> Callable[[object, "Context"], AsyncIterator[Message]]:
    async def behave(asked: object, context: "Context") -> AsyncIterator[Message]:
        try:
            async with contextlib.aclosing(cast("AsyncGenerator[Message, None]", run(asked))) as responses:
                async for response in responses:
                    yield response
        except LogyardError as error:
            await abort(context, error)

    return behave


async def abort(context: "Context", error: LogyardError) -> NoReturn:
    """End a call with what the error stands for."""
    code, words, details = status_of(error)
    await context.abort(code, words, ((DETAILS_KEY, details),))
    raise AssertionError("abort raises")
