"""What the kernel says about processes: CPU, memory, disk. Linux; no package needed."""

import os
from collections import defaultdict
from pathlib import Path
from typing import Final

__all__ = ["busy_seconds", "cpu_by_thread", "cpu_seconds", "disk_bytes", "peak_bytes", "resident_bytes"]

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_KIB: Final = 1024


def cpu_seconds(pid: int) -> float:
    """User and system time of a process so far, all its threads, ended ones too."""
    return _ticks(Path(f"/proc/{pid}/stat")) / _TICKS


def cpu_by_thread(pid: int) -> dict[str, float]:
    """CPU seconds of its living threads by name; ``loop`` is the main thread, which runs the event loop."""
    found: dict[str, float] = defaultdict(float)
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            name = "loop" if task.name == str(pid) else (task / "comm").read_text().strip()
            found[name] += _ticks(task / "stat") / _TICKS
        except OSError:  # a thread that ended just now
            continue
    return dict(found)


def busy_seconds() -> float:
    """CPU seconds that all processes of the machine have used since it started."""
    fields = [int(field) for field in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]]
    idle = fields[3] + fields[4]
    return (sum(fields[:8]) - idle) / _TICKS


def resident_bytes(pid: int) -> int:
    """Resident set now."""
    return _status(pid, "VmRSS")


def peak_bytes(pid: int) -> int:
    """The highest resident set since the process started."""
    return _status(pid, "VmHWM")


def disk_bytes(folder: Path) -> int:
    """What the files below ``folder`` take on the disk; a file with two names counts once."""
    blocks = {}
    for path in folder.rglob("*"):
        try:
            status = path.lstat()
        except OSError:  # the engine removes parts at any time
            continue
        blocks[status.st_ino] = status.st_blocks * 512
    return sum(blocks.values())


def _ticks(stat: Path) -> int:
    fields = stat.read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def _status(pid: int, name: str) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * _KIB
    raise LookupError(f"no {name} of process {pid}")
