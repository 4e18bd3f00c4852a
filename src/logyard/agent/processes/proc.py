"""What a session of processes uses, and what machine this is, from /proc."""

import os
import platform
from pathlib import Path
from typing import Final

from logyard.agent.driver import Host, Sample

__all__ = ["machine", "started_at", "used"]

_TICK: Final = 1_000_000_000 // os.sysconf("SC_CLK_TCK")
_PAGE: Final = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/PID/stat behind the name, counted from 0; proc(5) counts them from 3.
_SESSION, _USER, _SYSTEM, _STARTED, _RESIDENT = 3, 11, 12, 19, 21


def used(session: int, time: int) -> Sample:
    """The sum over all processes of a session."""
    found = [fields for fields in map(_stat, Path("/proc").iterdir()) if fields and int(fields[_SESSION]) == session]
    return Sample(
        time=time,
        cpu=sum(int(fields[_USER]) + int(fields[_SYSTEM]) for fields in found) * _TICK,
        memory=sum(int(fields[_RESIDENT]) for fields in found) * _PAGE,
        processes=len(found),
    )


def started_at(pid: int) -> str:
    """When a process was started, in ticks: with its id it names a process for good. "" when there is none."""
    fields = _stat(Path(f"/proc/{pid}"))
    return fields[_STARTED] if fields else ""


def machine(*, containers: int, running: int) -> Host:
    """This machine."""
    return Host(
        name=platform.node(),
        version=platform.release(),
        system=platform.platform(),
        cpus=os.cpu_count() or 1,
        memory=os.sysconf("SC_PHYS_PAGES") * _PAGE,
        containers=containers,
        running=running,
    )


def _stat(folder: Path) -> list[str]:
    if not folder.name.isdigit():
        return []
    try:
        return (folder / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []
