"""Real container engines for tests and benchmarks: Docker and Podman from Debian's packages, images without a registry.

    with DockerEngine(Path("/tmp/dk")) as engine:
        agent = Docker(DockerConfig(url=engine.url))
        engine.restart()

The image ``local/busybox:1`` is made of Debian's static busybox. Everything an engine keeps lies in its directory,
whose path must be short: socket names end after 107 bytes. Both engines need root here; what is missing raises
``EngineFailed`` that says what to install.
"""

import contextlib
import io
import os
import shutil
import signal
import subprocess
import tarfile
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from logyard.config import inherited

__all__ = ["IMAGE", "PACKAGES", "DockerEngine", "Engine", "EngineFailed", "PodmanEngine", "busybox_root"]

IMAGE: Final = "local/busybox:1"
PACKAGES: Final[Mapping[str, str]] = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "podman": "podman",
    "runc": "runc",
    "conmon": "conmon",
    "busybox": "busybox-static",
}
"""Program to the Debian package that has it."""

_BUSYBOX: Final = Path("/bin/busybox")
_READY_SECONDS: Final = 180.0
_STOP_SECONDS: Final = 120.0
_LOOK_AGAIN: Final = 0.05

_PODMAN_CONTAINERS: Final = """[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
tmp_dir = "{home}/tmp"
volume_path = "{home}/volumes"
[network]
network_config_dir = "{home}/networks"
"""
_PODMAN_STORAGE: Final = """[storage]
driver = "overlay"
graphroot = "{home}/root"
runroot = "{home}/run"
"""


class EngineFailed(AssertionError):
    """An engine that cannot be started, or did not do what it was asked; carries what it said."""


class Engine(ABC):
    """One engine of its own, with its own state. A context starts it, and removes everything at the end."""

    programs: Sequence[str] = ()

    def __init__(self, home: Path) -> None:
        """``home``: an empty or new directory with a short path. Starts nothing."""
        self.home = home
        self.url = f"unix://{home}/s"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        missing = [PACKAGES[name] for name in (*self.programs, "busybox") if shutil.which(name) is None]
        if missing:
            raise EngineFailed(f"install as root: apt-get install {' '.join(sorted(set(missing)))}")
        self.home.mkdir(parents=True, exist_ok=True)
        try:
            self.start()
            self.load(busybox_root())
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def alive(self) -> bool:
        """Whether the engine's process runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it and return when it answers."""
        with (self.home / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - an engine of our own
                self.command(), stdout=log, stderr=subprocess.STDOUT, env=self.variables(), start_new_session=True
            )
        deadline = time.monotonic() + _READY_SECONDS
        while not self.answers():
            if time.monotonic() > deadline or not self.alive:
                raise EngineFailed(f"{self.programs[0]} did not become ready; it said:\n{self.output()}")
            time.sleep(_LOOK_AGAIN)

    def stop(self) -> None:
        """Ask the process to end, and wait; containers are treated as the engine treats them."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def restart(self) -> None:
        """Stop and start."""
        self.stop()
        self.start()

    def output(self) -> str:
        """The end of what the engine's process has said."""
        return (self.home / "log").read_text(errors="replace")[-4000:]

    def run(self, *arguments: str, data: bytes | None = None) -> str:
        """Run the engine's own command line; its stdout. Raises ``EngineFailed`` with its stderr."""
        done = self.tried(*arguments, data=data)
        if done.returncode:
            raise EngineFailed(f"{' '.join(arguments)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace").strip()

    def tried(self, *arguments: str, data: bytes | None = None) -> "subprocess.CompletedProcess[bytes]":
        """The same, whatever comes of it."""
        return subprocess.run(  # noqa: S603 - an engine of our own
            [*self.client(), *arguments], input=data, capture_output=True, env=self.variables(), check=False
        )

    @abstractmethod
    def client(self) -> list[str]:
        """The engine's command line, told where this engine is."""

    @abstractmethod
    def command(self) -> list[str]:
        """What to start."""

    @abstractmethod
    def variables(self) -> Mapping[str, str]:
        """Its environment."""

    @abstractmethod
    def answers(self) -> bool:
        """Whether it can be asked."""

    @abstractmethod
    def load(self, root: bytes) -> None:
        """Make the image of this root file system."""

    @abstractmethod
    def close(self) -> None:
        """Remove containers, stop the process, remove the directory."""


class DockerEngine(Engine):
    """``dockerd`` without a network of its own."""

    programs = ("dockerd", "docker")

    def client(self) -> list[str]:
        return ["docker", "-H", self.url]

    def command(self) -> list[str]:
        group = _memory_group()
        return [
            "dockerd",
            f"--data-root={self.home}/data",
            f"--exec-root={self.home}/exec",
            f"--pidfile={self.home}/pid",
            f"--host={self.url}",
            *("--iptables=false", "--ip6tables=false", "--ip-forward=false", "--ip-masq=false", "--bridge=none"),
            *([f"--cgroup-parent={group}/dk"] if group else []),
        ]

    def variables(self) -> Mapping[str, str]:
        return {**inherited(), "DOCKER_CONFIG": f"{self.home}/client"}

    def answers(self) -> bool:
        return self.tried("version").returncode == 0

    def load(self, root: bytes) -> None:
        self.run("import", "--change", "ENV PATH=/bin", "--change", 'CMD ["sh"]', "-", IMAGE, data=root)

    def close(self) -> None:
        if self.alive and (left := self.run("ps", "--all", "--quiet").split()):
            self.tried("rm", "--force", "--volumes", *left)
        self.stop()
        _unmount(self.home / "exec/netns/default")
        shutil.rmtree(self.home, ignore_errors=True)
        if group := _memory_group():
            _remove_groups(f"{group}/dk")


class PodmanEngine(Engine):
    """``podman system service`` with a storage of its own, logging in the CRI format (k8s-file)."""

    programs = ("podman", "runc", "conmon")

    def client(self) -> list[str]:
        return ["podman"]

    def command(self) -> list[str]:
        for name in ("root", "run", "tmp", "xdg"):
            (self.home / name).mkdir(mode=0o700, exist_ok=True)
        (self.home / "containers.conf").write_text(_PODMAN_CONTAINERS.format(home=self.home))
        (self.home / "storage.conf").write_text(_PODMAN_STORAGE.format(home=self.home))
        return ["podman", "system", "service", "--time", "0", self.url]

    def variables(self) -> Mapping[str, str]:
        return {
            **inherited(),
            "CONTAINERS_CONF": f"{self.home}/containers.conf",
            "CONTAINERS_STORAGE_CONF": f"{self.home}/storage.conf",
            "XDG_RUNTIME_DIR": f"{self.home}/xdg",
            "HOME": str(self.home),
        }

    def answers(self) -> bool:
        return (self.home / "s").exists() and self.tried("--remote", "--url", self.url, "version").returncode == 0

    def load(self, root: bytes) -> None:
        self.run("import", "--quiet", "--change", "ENV PATH=/bin", "-", IMAGE, data=root)

    def close(self) -> None:
        self.tried("rm", "--all", "--force", "--time", "0")
        self.stop()
        for pid in _monitors(self.home):
            # The monitor of an exec session outlives it by five minutes.
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        _unmount(self.home / "root/overlay")
        shutil.rmtree(self.home, ignore_errors=True)


def busybox_root() -> bytes:
    """A root file system as a tar: Debian's static busybox and its names (2 MB)."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name in ("bin", "etc", "tmp", "proc", "sys", "dev", "root"):
            folder = tarfile.TarInfo(name)
            folder.type, folder.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(folder)
        _add(tar, "bin/busybox", _BUSYBOX.read_bytes())
        _add(tar, "etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n")
        for name in _applets():
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(link)
    return out.getvalue()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(data), 0o755
    tar.addfile(entry, io.BytesIO(data))


def _applets() -> list[str]:
    listed = subprocess.run([_BUSYBOX, "--list"], capture_output=True, text=True, check=True)  # noqa: S603 - busybox
    return [name for name in listed.stdout.split() if name != "busybox"]


def _memory_group() -> str:
    """Our own memory group where groups are of the first version: containers must stay inside it."""
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers == "memory" and path != "/":
            return path
    return ""


def _remove_groups(path: str) -> None:
    """Remove the empty groups that the engine leaves behind, the innermost first."""
    for controller in Path("/sys/fs/cgroup").iterdir():
        top = controller / path.lstrip("/")
        folders = sorted((folder for folder in top.rglob("*") if folder.is_dir()), reverse=True)
        for folder in [*folders, top]:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _unmount(path: Path) -> None:
    subprocess.run(["umount", "-q", "--lazy", str(path)], check=False, capture_output=True)  # noqa: S603, S607 - the system's own


def _monitors(home: Path) -> Iterator[int]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = entry.read_bytes()
            if b"conmon" in words and f"{home}/".encode() in words:
                yield int(entry.parent.name)
