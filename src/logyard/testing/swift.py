"""A real S3 for tests: OpenStack Swift with its s3api, from Debian's packages, on loopback and in one directory.

Five small processes (memcached, proxy, account, container, object) and no daemon besides; one replica, no fsync
daemons, no replication. What it does not have, as S3 has it: conditional PUT. Everything a test made goes with its
directory.
"""

import getpass
import http.client
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from logyard.testing.ports import free_port

__all__ = ["PROGRAMS", "Swift", "SwiftFailed"]

PROGRAMS = ("memcached", "swift-proxy-server", "swift-account-server", "swift-container-server", "swift-object-server")
_KINDS = ("account", "container", "object")
_READY_SECONDS = 180.0
_LOOK_AGAIN = 0.05
_PYTHON = "/usr/bin/python3"
"""Debian's own: its packages are not for the project's interpreter."""


class SwiftFailed(AssertionError):
    """A server of it did not come up; carries what they said."""


class Swift:
    """A context: starts the servers, and ends them by their process ids."""

    access_key = "test:tester"
    secret_key = "testing"  # noqa: S105 - of a server that lives as long as a test

    def __init__(self, directory: Path) -> None:
        """Starts nothing. ``directory`` may exist."""
        self._directory = directory.absolute()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ports = {kind: free_port() for kind in ("proxy", "cache", *_KINDS)}

    @staticmethod
    def missing() -> list[str]:
        """Programs that this machine lacks."""
        return [program for program in PROGRAMS if shutil.which(program) is None]

    @property
    def address(self) -> str:
        """``HOST:PORT`` of the S3 interface."""
        return f"127.0.0.1:{self._ports['proxy']}"

    @property
    def endpoint(self) -> str:
        """The same as a URL."""
        return f"http://{self.address}"

    def __enter__(self) -> Self:
        for kind in _KINDS:
            (self._directory / "devices" / "d1").mkdir(parents=True, exist_ok=True)
            self._ring(kind)
        self._write("swift.conf", _CLUSTER)
        try:
            self._remember()
            for kind in _KINDS:
                self._start(kind, _STORAGE)
            self._start("proxy", _PROXY)
            self._wait()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def _ring(self, kind: str) -> None:
        """One device, one replica, sixteen partitions."""
        builder = self._directory / f"{kind}.builder"
        if builder.exists():
            return
        self._run("swift-ring-builder", str(builder), "create", "4", "1", "0")
        device = f"r1z1-127.0.0.1:{self._ports[kind]}/d1"
        self._run("swift-ring-builder", str(builder), "add", device, "1")
        self._run("swift-ring-builder", str(builder), "rebalance")

    def _run(self, program: str, *arguments: str) -> None:
        path = shutil.which(program) or program
        done = subprocess.run(  # noqa: S603 - Debian's own program
            [_PYTHON, path, *arguments], capture_output=True, text=True, check=False, env=self._variables()
        )
        if done.returncode > 1:  # 1 is a warning
            raise SwiftFailed(f"{program} {' '.join(arguments)}: {done.stdout}{done.stderr}")

    def _remember(self) -> None:
        """Its login keeps what it knows in memcached, and nowhere else."""
        command = [
            "memcached",
            "-l",
            "127.0.0.1",
            "-p",
            str(self._ports["cache"]),
            "-U",
            "0",
            "-m",
            "16",
            "-u",
            getpass.getuser(),
        ]
        self._processes.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))  # noqa: S603 - Debian's own program

    def _start(self, kind: str, template: str) -> None:
        program = f"swift-{kind}-server"
        values = {
            "directory": self._directory,
            "port": self._ports[kind],
            "cache": self._ports["cache"],
            "kind": kind,
            "access_key": self.access_key.replace(":", "_"),
            "secret_key": self.secret_key,
            "user": getpass.getuser(),
        }
        config = self._write(f"{kind}-server.conf", template.format(**values))
        with (self._directory / f"{kind}.log").open("ab") as log:
            self._processes.append(
                subprocess.Popen(  # noqa: S603 - Debian's own program
                    [_PYTHON, shutil.which(program) or program, config, "--verbose"],
                    stdout=log,
                    stderr=log,
                    stdin=subprocess.DEVNULL,
                    env=self._variables(),
                )
            )

    def _variables(self) -> Mapping[str, str]:
        return {"PATH": os.defpath, "PYTHONWARNINGS": "ignore", "LANG": "C.UTF-8"}

    def _write(self, name: str, text: str) -> str:
        path = self._directory / name
        path.write_text(text)
        return str(path)

    def _wait(self) -> None:
        deadline = time.monotonic() + _READY_SECONDS
        for kind in ("proxy", *_KINDS):
            port = self._ports[kind]
            while not _answers(port):
                if time.monotonic() > deadline or any(process.poll() is not None for process in self._processes):
                    raise SwiftFailed(f"the {kind} server did not come up; they said:\n{self.output()}")
                time.sleep(_LOOK_AGAIN)

    def output(self) -> str:
        """What the servers have said."""
        return "".join(path.read_text(errors="replace")[-4000:] for path in sorted(self._directory.glob("*.log")))

    def _end(self) -> None:
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait()
        self._processes.clear()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/healthcheck")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


_CLUSTER = """[swift-hash]
swift_hash_path_prefix = logyard
swift_hash_path_suffix = logyard
[storage-policy:0]
name = one
default = yes
"""

_STORAGE = """[DEFAULT]
devices = {directory}/devices
mount_check = false
disable_fallocate = true
workers = 0
bind_ip = 127.0.0.1
bind_port = {port}
user = {user}
swift_dir = {directory}
log_address = {directory}/no-syslog
log_level = WARNING
[pipeline:main]
pipeline = healthcheck {kind}-server
[app:{kind}-server]
use = egg:swift#{kind}
[filter:healthcheck]
use = egg:swift#healthcheck
"""

_PROXY = """[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {user}
swift_dir = {directory}
log_address = {directory}/no-syslog
log_level = WARNING
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache listing_formats bulk s3api tempauth copy slo dlo proxy-server
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
[filter:catch_errors]
use = egg:swift#catch_errors
[filter:gatekeeper]
use = egg:swift#gatekeeper
[filter:healthcheck]
use = egg:swift#healthcheck
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{cache}
[filter:listing_formats]
use = egg:swift#listing_formats
[filter:bulk]
use = egg:swift#bulk
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
dns_compliant_bucket_names = false
allow_multipart_uploads = true
min_segment_size = 1
[filter:tempauth]
use = egg:swift#tempauth
user_{access_key} = {secret_key} .admin
[filter:copy]
use = egg:swift#copy
[filter:slo]
use = egg:swift#slo
yield_frequency = 10
[filter:dlo]
use = egg:swift#dlo
"""
