"""A real agent as a process, and what tests do with one."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import IO, Any, cast

import grpc

from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent
from logyard.testing.containers import IMAGE, Engine

DEADLINE = 120.0


def eventually(holds: Callable[[], Any], seconds: float = DEADLINE) -> Any:
    """What ``holds`` gives once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return found


class AgentProcess:
    """A real ``logyard agent`` in a process of its own."""

    def __init__(self, *arguments: str, listen: str = "127.0.0.1:0") -> None:
        self.arguments, self.listen = arguments, listen
        self.said: list[str] = []
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "logyard", "agent", "--listen", self.listen, *self.arguments],
            stderr=subprocess.PIPE,
            text=True,
        )
        self.announced = threading.Event()
        assert self.process.stderr is not None
        self.reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self.reader.start()
        assert self.announced.wait(DEADLINE), "".join(self.said)
        found = re.findall(r"listens on (\S+); its", "".join(self.said))
        assert found, "".join(self.said)
        self.address = found[-1]
        self.listen = self.address

    def _read(self, pipe: IO[str]) -> None:
        for line in pipe:
            self.said.append(line)
            if "logs -f NAME" in line:
                self.announced.set()
        self.announced.set()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(DEADLINE)
        self._collect()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._collect()

    def _collect(self) -> None:
        self.reader.join(DEADLINE)
        assert self.process.stderr is not None
        self.process.stderr.close()


class Site:
    """An agent, and how to make containers say things through it."""

    def __init__(self, kind: str, process: AgentProcess, engine: Engine | None) -> None:
        self.kind, self.process, self.engine = kind, process, engine
        self.agent = Agent(process.address)
        self._count = 0

    @property
    def image(self) -> str:
        return "/bin/busybox" if self.engine is None else IMAGE

    def name(self) -> str:
        self._count += 1
        return f"{self.kind}-{os.getpid()}-{self._count}"

    def launch(self, script: str, **given: Any) -> str:
        """Run a shell script; the container's name."""
        name = given.pop("name", None) or self.name()
        shell = ["sh", "-c", script]
        network = "" if self.engine is None else "none"
        request = pb.LaunchRequest(image=self.image, name=name, command=shell, network=network, **given)
        self.agent.ask("LaunchContainer", request, pb.Container)
        return name

    def gate(self, name: str) -> str:
        """For the script of this container: here it waits until somebody opens."""
        return f"while [ ! -e /tmp/gate-{name} ]; do sleep 0.05; done; rm /tmp/gate-{name};"

    def open(self, name: str) -> None:
        """Let the script go on."""
        start = pb.ExecStart(container_identifier=name, command=["touch", f"/tmp/gate-{name}"])
        assert list(self.agent.exec([pb.ExecRequest(start=start)]))[-1].exit_code == 0

    def steps(self, *commands: str) -> str:
        """Run a script in which each command waits until the line of the one before is in the log; its end is waited
        for.
        """
        name = self.name()
        self.launch(f" {self.gate(name)} ".join(commands), name=name)
        for count in range(1, len(commands)):
            eventually(partial(self.has_lines, name, count))
            self.open(name)
        self.ended(name)
        return name

    def has_lines(self, name: str, count: int) -> bool:
        return len(self.lines(name)) == count

    def inspect(self, name: str) -> pb.Container:
        return self.agent.ask("Inspect", pb.InspectRequest(container_identifier=name), pb.Container)

    def ended(self, name: str) -> pb.Container:
        """Wait for its end."""
        eventually(lambda: self.inspect(name).state == "exited")
        return self.inspect(name)

    def remove(self, name: str) -> None:
        self.agent.ask("Remove", pb.RemoveRequest(container_identifier=name, force=True), pb.RemoveResponse)

    def logs(self, name: str, **asked: Any) -> list[pb.LogsResponse]:
        """All responses of a call that ends by itself."""
        return list(self.stream(name, **asked))

    def stream(self, name: str, **asked: Any) -> Any:
        return self.agent.stream("GetLogs", pb.LogsRequest(container_identifier=name, **asked), pb.LogsResponse)

    def lines(self, name: str, **asked: Any) -> list[bytes]:
        return [response.entry.data for response in self.logs(name, **asked) if response.HasField("entry")]

    def command(self, *arguments: str, **given: Any) -> "subprocess.CompletedProcess[bytes]":
        """Our own command line, as a real process."""
        return subprocess.run(
            [sys.executable, "-m", "logyard", *arguments],
            capture_output=True,
            check=False,
            timeout=DEADLINE,
            env={**os.environ, "LOGYARD_HOST": self.process.address},
            **given,
        )


def status(error: grpc.RpcError) -> grpc.StatusCode:
    return cast("grpc.Call", error).code()


def status_details(error: grpc.RpcError) -> bytes:
    """The serialized google.rpc.Status."""
    trailing = dict(cast("Any", error).trailing_metadata())
    found: bytes = trailing["grpc-status-details-bin"]
    return found
