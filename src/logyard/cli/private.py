"""A server for one command on a stopped directory: it listens on loopback, and ends with the process that started it.

One process owns an engine and its write-ahead log, so a command that works on a directory talks to it as it would to a
running server, and everything that was acknowledged and not stored yet is stored first. Its life hangs on its stdin:
when that closes, for whatever reason, it stops in order. It drops nothing and sends nothing: no retention, no Redis.

    python -m logyard.cli.private DIR [CONFIG]     the first line of its stdin: the setting ``store``, or nothing
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from logyard.config import load
from logyard.errors import BadInput, LogyardError, StoreFailed

__all__ = ["private_server"]

_END_SECONDS: Final = 120.0
_FLAGS: Final = {
    "listen": "127.0.0.1:0",
    "redis_url": "",
    "retention.age_days": 0,
    "retention.max_bytes": 0,
    "retention.max_disk_percent": 0,
}


@contextmanager
def private_server(data: Path, *, config: Path | None = None, create: bool = False, store: str = "") -> Iterator[str]:
    """The URL of a server on ``data``. ``create``: the directory may be new. ``store``: of a cluster, as the setting
    has it; the configuration's own without it.

    Raises ``BadInput`` for a directory that holds no data, ``StoreFailed`` with the server's own words when it does not
    start, as it will not while another one runs there.
    """
    if not create and not (data / "wal").is_dir():
        raise BadInput(f"{data} holds no data of a Logyard (there is no {data / 'wal'})")
    command = [sys.executable, "-m", __name__, str(data), *([str(config)] if config is not None else [])]
    process = subprocess.Popen(  # noqa: S603 - our own command
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is for the command, which then closes the server's stdin
    )
    if process.stdin is not None:
        process.stdin.write(f"{store}\n")  # not an argument: it may hold a password, and arguments are seen by all
        process.stdin.flush()
    said: list[str] = []
    listening = threading.Thread(target=_listen, args=(process, said), daemon=True)
    listening.start()
    try:
        url = process.stdout.readline().strip() if process.stdout is not None else ""
        if not url:
            _end(process)
            listening.join(1)  # its last words
            raise StoreFailed(f"cannot open {data}: {_reason(said)}")
        yield url
    finally:
        _end(process)
        listening.join(1)


def _listen(process: "subprocess.Popen[str]", said: list[str]) -> None:
    """Its log must not fill the pipe; the end of it is kept, for when it fails."""
    if process.stderr is None:
        return
    with process.stderr as pipe:
        for line in pipe:
            said.append(line.strip())
            del said[:-20]


def _reason(said: list[str]) -> str:
    words = [line for line in said if line]
    return words[-1].removeprefix("logyard: ") if words else "it said nothing"


def _end(process: "subprocess.Popen[str]") -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _first_line() -> str:
    """Of stdin, and no byte more."""
    line = b""
    while (byte := os.read(sys.stdin.fileno(), 1)) not in {b"", b"\n"}:
        line += byte
    return line.decode()


def _serve(arguments: list[str]) -> None:
    """Become the server."""
    from logyard.app import Running, run  # noqa: PLC0415 - start-up time: the command itself needs no engine

    def announce(running: Running) -> None:
        sys.stdout.write(f"{running.url}\n")
        sys.stdout.flush()

    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1):  # not by way of sys.stdin, whose lock would hold the exit
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    path = Path(arguments[1]) if arguments[1:] else None
    store = _first_line()
    settings = load(path, {"data": arguments[0], **_FLAGS, **({"store": store} if store else {})})
    threading.Thread(target=watch, daemon=True).start()
    run(settings, announce, idle=True)


if __name__ == "__main__":
    try:
        _serve(sys.argv[1:])
    except LogyardError as error:
        sys.exit(f"logyard: {error}")
