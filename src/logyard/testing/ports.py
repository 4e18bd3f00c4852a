"""Ports for servers that tests start, kill and start again: free, and free when they are needed once more.

A port that the kernel has chosen is the kernel's to give away again, as soon as nobody listens on it: to another
test's server, or to any connection that goes out. These lie below the range from which it chooses.
"""

import secrets
import socket
from pathlib import Path
from typing import Final

__all__ = ["free_port"]

_KERNELS: Final = Path("/proc/sys/net/ipv4/ip_local_port_range")
_LOWEST: Final = 10_000
_FEW: Final = 5_000
"""How many there are at least, where the kernel's range leaves none."""
_TRIES: Final = 1_000
_given: Final[set[int]] = set()


def free_port(*hosts: str) -> int:
    """One that nobody has at any of these addresses (127.0.0.1), and that this process was not given before."""
    count = max(int(_KERNELS.read_text().split()[0]) - _LOWEST, _FEW)
    for _ in range(_TRIES):
        port = _LOWEST + secrets.randbelow(count)
        if port not in _given and all(_is_free(host, port) for host in hosts or ("127.0.0.1",)):
            _given.add(port)
            return port
    raise AssertionError(f"no free port among {count} from {_LOWEST} on")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True
