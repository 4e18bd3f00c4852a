"""``logyard generate``: heartbeats of a logger service, records that can be counted, and their counting."""

import math
import threading
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from msgspec.structs import replace

from logyard.cli.delivery import Destination, Rotation, deliver
from logyard.cli.options import application
from logyard.cli.output import quiet_end, write
from logyard.cli.simulated import (
    ForOption,
    SeedOption,
    Simulated,
    SpeedOption,
    StartOption,
    beginning,
    length,
    stopped_by_signals,
)
from logyard.cli.terminal import write_json
from logyard.cli.verification import Source, table, verify
from logyard.clock import SystemClock
from logyard.config import variable
from logyard.demo.chance import Chance, random_seed
from logyard.demo.generating import Order
from logyard.demo.heartbeat import Heartbeat, beat
from logyard.demo.pace import SECOND, Pace
from logyard.demo.rate import Rate
from logyard.demo.stamps import checked_stream

__all__ = ["app"]

_HEARTBEAT_BYTES: Final = 1_000_000
_DEFAULTS: Final = {
    "LOG_FREQUENCY": "5",
    "LOG_LEVEL": "INFO",
    "LOG_FORMAT": "[%(asctime)s] %(levelname)s: %(message)s",
    "LOG_FILE": "logs/app.log",
}


class Form(StrEnum):
    """How records are written; with --verify, how findings are."""

    JSON = "json"
    CSV = "csv"
    TEXT = "text"
    LOGFMT = "logfmt"


def _given(name: str) -> Callable[[], str]:
    return lambda: variable(name) or _DEFAULTS[name]


def _shown(name: str) -> str:
    return f"{_DEFAULTS[name]}, or {name}"


FrequencyOption = Annotated[
    float,
    typer.Option(
        "--frequency",
        min=0.001,
        metavar="SECONDS",
        default_factory=_given("LOG_FREQUENCY"),
        show_default=_shown("LOG_FREQUENCY"),
        help="Heartbeat: seconds between two.",
    ),
]
LevelOption = Annotated[
    str,
    typer.Option(
        "--level",
        default_factory=_given("LOG_LEVEL"),
        show_default=_shown("LOG_LEVEL"),
        help="Heartbeat: lines below it are not written; beats are INFO.",
    ),
]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format",
        default_factory=_given("LOG_FORMAT"),
        show_default=_shown("LOG_FORMAT"),
        help="Heartbeat: the line, as Python's logging formats it.",
    ),
]
FileOption = Annotated[
    Path | None,
    typer.Option(
        "--file",
        metavar="PATH",
        show_default="heartbeat: " + _shown("LOG_FILE"),
        help="Append to this file: heartbeats besides the console, records instead of stdout.",
    ),
]
RotateOption = Annotated[
    int | None,
    typer.Option(
        "--rotate-bytes",
        min=0,
        metavar="N",
        show_default="heartbeats 1000000, records 0: never",
        help="Rename --file before it grows beyond that.",
    ),
]
BackupsOption = Annotated[
    int, typer.Option("--backups", min=0, metavar="N", help="How many renamed files are kept, as PATH.1 and so on.")
]
EventsOption = Annotated[int | None, typer.Option("--events", min=1, metavar="N", help="Make so many records and end.")]
RateOption = Annotated[
    float | None,
    typer.Option("--rate", min=0.001, metavar="N", help="Records a second; without it as fast as they are taken."),
]
RampOption = Annotated[
    str, typer.Option("--ramp", metavar="DURATION", help="Let the rate rise from 0 to --rate within so long.")
]
BurstOption = Annotated[
    str,
    typer.Option("--burst", metavar="FACTOR:FOR/EVERY", help="10:5s/1m: ten times --rate, for 5s every minute."),
]
FormOption = Annotated[
    Form | None,
    typer.Option("-o", "--output", show_default="json; with --verify text", help="Form of records, or of findings."),
]
StreamOption = Annotated[
    str,
    typer.Option(
        "--stream", metavar="NAME", help="Name of the stream; by default a random one. With --verify: only it."
    ),
]
ToOption = Annotated[str, typer.Option("--to", metavar="URL", help="Send the records to a server, each exactly once.")]
VerifyOption = Annotated[bool, typer.Option("--verify", help="Read records back, from PATHs or --from, and count.")]
FromOption = Annotated[str, typer.Option("--from", metavar="URL", help="--verify: the server to read from.")]
ExpectOption = Annotated[
    int, typer.Option("--expect", min=0, metavar="N", help="--verify: so many records should be in each stream.")
]
QuietOption = Annotated[bool, typer.Option("-q", "--quiet", help="Say nothing but errors.")]
PathsArgument = Annotated[
    list[Path] | None,
    typer.Argument(metavar="PATH", help="--verify: files to read, oldest first; - is stdin, as are none."),
]


def generate(
    paths: PathsArgument = None,
    *,
    frequency: FrequencyOption,
    level: LevelOption,
    log_format: FormatOption,
    file: FileOption = None,
    rotate_bytes: RotateOption = None,
    backups: BackupsOption = 3,
    events: EventsOption = None,
    rate: RateOption = None,
    ramp: RampOption = "",
    burst: BurstOption = "",
    output: FormOption = None,
    stream: StreamOption = "",
    to: ToOption = "",
    seed: SeedOption = None,
    speed: SpeedOption = 1.0,
    start: StartOption = "now",
    duration: ForOption = "",
    check: VerifyOption = False,
    source: FromOption = "",
    expect: ExpectOption = 0,
    quiet: QuietOption = False,
) -> None:
    """Be a logger service; with --events or --rate make realistic records; with --verify count them again.

    Every record carries a stamp: stream, number, length and checksum. --verify finds the stamps wherever the
    records have gone, counts what was lost, duplicated, reordered, split or altered, and exits with 1 if any.

    \b
    logyard generate --frequency 1 --level DEBUG
    logyard generate --rate 1000 --ramp 30s --burst 10:5s/1m --file shop.log
    logyard generate --events 100000 --to http://127.0.0.1:8005 --stream a1
    logyard generate --verify --from http://127.0.0.1:8005 --stream a1 --expect 100000
    """  # noqa: D301 - \b keeps the lines of the examples apart
    if check:
        asked = Source(url=source, paths=paths or (), stream=stream, expected=expect)
        raise typer.Exit(_verify(asked, output or Form.TEXT, quiet=quiet))
    if paths or source or expect:
        raise typer.BadParameter("is for --verify", param_hint="PATH, --from or --expect")
    time = Simulated(seed=seed, speed=speed, start=start, duration=duration)
    rotation = Rotation(file=file, limit=rotate_bytes, backups=backups)
    if events is not None or rate is not None:
        shape = Shape(form=output or Form.JSON, stream=stream, events=events, rate=_rate(rate, ramp, burst))
        _records(shape, time, Destination(url=to, rotation=rotation, quiet=quiet))
    elif to or output or stream or ramp or burst:
        raise typer.BadParameter("say how many records, or how many a second", param_hint="--events or --rate")
    else:
        _heartbeat(Lines(frequency=frequency, level=level, format=log_format), rotation, time)


app = application(generate)


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says about heartbeats."""

    frequency: float
    level: str
    format: str


class Shape(msgspec.Struct, frozen=True, kw_only=True):
    """What it says about records."""

    form: Form
    stream: str
    events: int | None
    rate: Rate | None


def _verify(source: Source, form: Form, *, quiet: bool) -> int:
    if form not in {Form.TEXT, Form.JSON}:
        raise typer.BadParameter("findings are text or json", param_hint="--output")
    findings = verify(source, quiet=quiet)
    if form is Form.JSON:
        write_json(findings)
    elif not quiet:
        write(table(findings))
    return 0 if findings.ok else 1


def _rate(per_second: float | None, ramp: str, burst: str) -> Rate | None:
    if per_second is None:
        if ramp or burst:
            raise typer.BadParameter("is what --ramp and --burst change: say it too", param_hint="--rate")
        return None
    rate = Rate(per_second=per_second, ramp=length(ramp, option="--ramp") / SECOND if ramp else 0.0)
    if not burst:
        return rate
    factor, _, times = burst.partition(":")
    lasts, _, every = times.partition("/")
    try:
        times_more = float(factor)
    except ValueError:
        times_more = math.nan
    seconds = [length(text, option="--burst") / SECOND for text in (lasts, every)]
    if not 1 <= times_more < math.inf or seconds[0] > seconds[1]:
        raise typer.BadParameter(f"{burst!r} is not FACTOR:FOR/EVERY, like 10:5s/1m", param_hint="--burst")
    return replace(rate, burst_factor=times_more, burst_for=seconds[0], burst_every=seconds[1])


def _records(shape: Shape, time: Simulated, destination: Destination) -> None:
    clock = SystemClock()
    seed = random_seed() if time.seed is None else time.seed
    began = beginning(time.start, clock)
    order = Order(
        layout=shape.form.value,
        stream=checked_stream(shape.stream or Chance(seed, "stream").hexadecimal(8)),
        seed=seed,
        start=began,
        end=time.end(began, endless=shape.events is None),
        events=shape.events,
        rate=shape.rate,
    )
    stop = threading.Event()
    with stopped_by_signals(stop):
        deliver(order, Pace(clock, start=began, speed=time.speed, stop=stop), destination)


def _heartbeat(lines: Lines, rotation: Rotation, time: Simulated) -> None:
    clock = SystemClock()
    began = beginning(time.start, clock)
    heartbeat = Heartbeat(
        frequency=lines.frequency,
        level=lines.level,
        format=lines.format,
        file=rotation.file or Path(_given("LOG_FILE")()),
        limit=_HEARTBEAT_BYTES if rotation.limit is None else rotation.limit,
        backups=rotation.backups,
        end=time.end(began),
    )
    stop = threading.Event()
    with stopped_by_signals(stop), quiet_end():
        beat(heartbeat, Pace(clock, start=began, speed=time.speed, stop=stop))
