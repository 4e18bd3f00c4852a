"""``logyard demo``: programs that write real logs."""

import sys
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from logyard.cli.options import application
from logyard.cli.simulated import (
    ForOption,
    SeedOption,
    Simulated,
    SpeedOption,
    StartOption,
    beginning,
    stopped_by_signals,
)
from logyard.clock import Clock, SystemClock
from logyard.config import variable
from logyard.demo.chance import random_seed
from logyard.demo.pace import Pace
from logyard.demo.programs import PROGRAMS, WEB_API, Plan, run
from logyard.errors import LogyardError

__all__ = ["app"]

_NOBODY = "none"


class Program(StrEnum):
    """What to run."""

    WEB_API = "web-api"
    DATABASE_CLIENT = "database-client"
    BACKGROUND_WORKER = "background-worker"
    ALL = "all"


ProgramArgument = Annotated[
    Program, typer.Argument(metavar="PROGRAM", help="web-api, database-client, background-worker, or all of them.")
]
LogsOption = Annotated[Path, typer.Option("--logs", metavar="DIR", help="Where the log files are written.")]
ListenOption = Annotated[
    str,
    typer.Option(
        "--listen",
        metavar="HOST:PORT",
        default_factory=lambda: f"127.0.0.1:{variable('PORT') or '8080'}",
        show_default="127.0.0.1:8080, or its port from PORT",
        help="Where the web API answers; port 0 takes a free one, 'none' goes without.",
    ),
]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")]


def demo(
    program: ProgramArgument,
    *,
    logs: LogsOption = Path("/logs"),
    listen: ListenOption,
    seed: SeedOption = None,
    speed: SpeedOption = 1.0,
    start: StartOption = "now",
    duration: ForOption = "",
    quiet: QuietOption = False,
) -> None:
    """Run programs that write real logs, until Ctrl-C or SIGTERM.

    \b
    web-api            GET /health, /users, /users/ID, /simulate-load, POST /users, over HTTP;
                       access.log, error.log, application.log
    database-client    database-queries.log, database-performance.log
    background-worker  job-execution.log, job-metrics.log
    all                the three, in one process

    They live in simulated time, which --speed makes run faster and --start lets begin anywhere. The same
    seed and start give the same lines, but for those about requests of real clients.

    \b
    logyard demo all --logs logs
    logyard demo all --logs logs --seed 7 --start 2026-01-01 --for 1h --speed inf
    """  # noqa: D301 - \b keeps the lines of the table and of the examples apart
    clock = SystemClock()
    began = beginning(start, clock)
    time = Simulated(seed=seed, speed=speed, start=start, duration=duration)
    plan = Plan(
        programs=PROGRAMS if program is Program.ALL else (program.value,),
        logs=logs,
        seed=random_seed() if seed is None else seed,
        start=began,
        end=time.end(began),
        listen="" if listen == _NOBODY else listen,
    )
    _run(plan, clock, speed, quiet=quiet)


app = application(demo)


def _run(plan: Plan, clock: Clock, speed: float, *, quiet: bool) -> None:
    stop = threading.Event()
    with stopped_by_signals(stop):
        try:
            run(plan, lambda: Pace(clock, start=plan.start, speed=speed, stop=stop), _announcer(plan, quiet=quiet))
        except OSError as error:
            raise LogyardError(f"cannot write logs into {plan.logs} any more: {error.strerror}") from error


def _announcer(plan: Plan, *, quiet: bool) -> Callable[[str], None]:
    def announce(url: str) -> None:
        if quiet:
            return
        names = ", ".join(plan.programs)
        answers = f"; {WEB_API} answers on {url}" if url else ""
        sys.stderr.write(
            f"{names}: logs are written into {plan.logs.absolute()}, seed {plan.seed}{answers}. Ctrl-C stops it.\n"
        )
        sys.stderr.flush()

    return announce
