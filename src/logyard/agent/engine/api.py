"""The Docker Engine API (1.41), as far as the agent uses it: JSON in, values of ``driver.py`` out.

Source: Docker Engine API v1.41. Podman speaks the same under the same paths; where it differs, the text says so.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Final, NoReturn, TypeVar
from urllib.parse import quote

import msgspec

from logyard.agent.driver import (
    AlreadyExists,
    Container,
    ContainerEvent,
    EngineFailed,
    Host,
    Launch,
    NoSuchContainer,
    Sample,
    WrongState,
)
from logyard.agent.engine.http import Answer, EngineHttp, Parameters
from logyard.agent.engine.wire import Created, Event, Info, Inspected, Listed, Stats, Version, create_body
from logyard.errors import BadInput, NotFound

__all__ = ["EngineApi"]

Kind = TypeVar("Kind")

_EVENT: Final = msgspec.json.Decoder(Event)
_API: Final = "/v1.41"
_EVENTS: Final = '{"type":["container"]}'


class EngineApi:
    """Calls that are asked and answered. Any number at once."""

    def __init__(self, http: EngineHttp) -> None:
        self.http = http

    async def create(self, launch: Launch) -> str:
        """The id of a new container that does not run yet."""
        parameters = {"name": launch.name} if launch.name else {}
        answer = await self.http.ask("POST", f"{_API}/containers/create", parameters, body=create_body(launch))
        if answer.status == 404:  # noqa: PLR2004 - the API's word for it
            raise NotFound(f"Image '{launch.image}' not found: {answer.words}")
        if answer.status == 409 or "already in use" in answer.words:  # noqa: PLR2004 - Podman says 500 and these words
            raise AlreadyExists(f"Container '{launch.name}' already exists")
        return _decoded(self._good(answer, launch.name), Created).id

    async def start(self, id: str) -> None:  # noqa: A002 - the API's word
        """Let it run."""
        answer = await self.http.ask("POST", f"{_API}/containers/{id}/start")
        if not answer.good:
            raise BadInput(f"the engine cannot start it: {answer.words}")

    async def stop(self, name: str, timeout: float) -> None:  # noqa: ASYNC109 - between two signals
        """Return when it has stopped."""
        parameters = {"t": max(1, round(timeout))} if timeout else {}
        path = f"{_API}/containers/{quote(name, safe='')}/stop"
        self._good(await self.http.ask("POST", path, parameters, patience=timeout), name)

    async def remove(self, name: str, *, force: bool) -> None:
        """Remove it with its anonymous volumes."""
        path = f"{_API}/containers/{quote(name, safe='')}"
        answer = await self.http.ask("DELETE", path, {"force": int(force), "v": 1})
        # Podman says 500 for one that runs.
        if not answer.good and not force and "running" in answer.words and answer.status != 404:  # noqa: PLR2004 - see above
            raise WrongState(f"Container '{name}' is running: stop it first, or remove it with force")
        self._good(answer, name)

    async def inspect(self, name: str) -> Container:
        """What is known of it, and all that the engine says as ``detail``."""
        body = self._good(await self.http.ask("GET", f"{_API}/containers/{quote(name, safe='')}/json"), name).body
        return _decoded(Answer(status=200, body=body), Inspected).container(body)

    async def containers(self) -> Sequence[Container]:
        """All."""
        answer = self._good(await self.http.ask("GET", f"{_API}/containers/json", {"all": 1}), "")
        return [listed.container() for listed in _decoded(answer, list[Listed])]

    async def events(self) -> AsyncIterator[ContainerEvent]:
        """From now on, until the connection ends."""
        async with self.http.stream(f"{_API}/events", {"filters": _EVENTS}) as pieces:
            if isinstance(pieces, Answer):
                self._refuse(pieces, "")
            yield ContainerEvent(time=0, action="connected")
            rest = b""
            async for piece in pieces:
                *whole, rest = (rest + piece).split(b"\n")
                for event in _EVENT.decode_lines(b"\n".join(whole)):
                    yield event.event()

    async def sample(self, name: str) -> Sample:
        """What it uses now."""
        parameters: Parameters = {"stream": 0, "one-shot": 1}
        answer = await self.http.ask("GET", f"{_API}/containers/{quote(name, safe='')}/stats", parameters)
        sample = _decoded(self._good(answer, name), Stats).sample()
        if not sample.processes and not sample.memory:
            raise WrongState(f"Container '{name}' is not running")
        return sample

    async def host(self) -> Host:
        """What kind of machine and engine this is."""
        info = _decoded(self._good(await self.http.ask("GET", f"{_API}/info"), ""), Info)
        version = _decoded(self._good(await self.http.ask("GET", f"{_API}/version"), ""), Version)
        return info.host(version.version)

    async def ping(self) -> None:
        """Whether the engine answers."""
        self._good(await self.http.ask("GET", "/_ping"), "")

    async def exec_create(self, name: str, body: Mapping[str, object]) -> str:
        """The id of a command that does not run yet."""
        answer = await self.http.ask("POST", f"{_API}/containers/{quote(name, safe='')}/exec", body=body)
        if answer.status == 409 or "state improper" in answer.words or "not running" in answer.words:  # noqa: PLR2004 - Podman says 500
            raise WrongState(f"Container '{name}' is not running")
        return _decoded(self._good(answer, name), Created).id

    async def exec_resize(self, id: str, columns: int, rows: int) -> None:  # noqa: A002 - the API's word
        """Best effort: the command may be over, or not yet begun."""
        await self.http.ask("POST", f"{_API}/exec/{id}/resize", {"w": columns, "h": rows})

    async def exec_state(self, id: str) -> tuple[int, int | None]:  # noqa: A002 - the API's word
        """The command's process id on the host (0 for none), and its exit code when it has ended."""
        answer = self._good(await self.http.ask("GET", f"{_API}/exec/{id}/json"), "")
        state = _decoded(answer, _ExecState)
        return state.pid or 0, None if state.running else state.exit_code

    def _good(self, answer: Answer, name: str) -> Answer:
        if not answer.good:
            self._refuse(answer, name)
        return answer

    def _refuse(self, answer: Answer, name: str) -> NoReturn:
        # Podman says 500 for one that is just being removed.
        if answer.status == 404 or "no such container" in answer.words:  # noqa: PLR2004 - the API's word for it
            raise NoSuchContainer(name)
        if answer.status == 409:  # noqa: PLR2004 - the API's word for it
            raise WrongState(answer.words)
        if answer.status == 400:  # noqa: PLR2004 - the API's word for it
            raise BadInput(answer.words)
        raise EngineFailed(f"{answer.words} (HTTP {answer.status})")


class _ExecState(msgspec.Struct, rename={"running": "Running", "exit_code": "ExitCode", "pid": "Pid"}):
    running: bool = False
    exit_code: int | None = None
    pid: int | None = 0


def _decoded(answer: Answer, kind: type[Kind]) -> Kind:
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except msgspec.DecodeError as error:
        raise EngineFailed(f"the engine's answer cannot be read: {error}") from error
