"""``logyard stats``: what a container uses."""

from typing import Annotated

import typer
from google.protobuf.json_format import MessageToDict
from msgspec.json import encode

from logyard.agent.stamps import iso
from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent, HostOption
from logyard.cli.options import TableOption, TableOutput, application
from logyard.cli.terminal import write

__all__ = ["app"]

_MIB = 1 << 20


def stats(
    container: Annotated[str, typer.Argument(metavar="CONTAINER", help="Name or id.")],
    *,
    interval: Annotated[
        float, typer.Option("-i", "--interval", min=0.1, metavar="SECONDS", help="Between two lines.")
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="One line, over one interval, and done.")] = False,
    output: TableOption = TableOutput.TEXT,
    host: HostOption = "",
) -> None:
    """Print what a container uses, a line each interval; Ctrl-C ends it."""
    request = pb.StatsRequest(container_identifier=container, interval_seconds=interval)
    with Agent(host) as agent, agent.errors():
        call = agent.stream("Stats", request, pb.StatsSample)
        samples = iter(call)
        next(samples)  # how much per time is known from the second on
        for sample in samples:
            write(_line(sample, output))
            if once:
                call.cancel()
                return


app = application(stats)


def _line(sample: pb.StatsSample, output: TableOutput) -> str:
    if output is TableOutput.JSON:
        return encode(MessageToDict(sample, preserving_proto_field_name=True)).decode() + "\n"
    limit = f"/{sample.memory_limit_bytes / _MIB:.0f}" if sample.memory_limit_bytes else ""
    memory = f"{sample.memory_bytes / _MIB:.1f}{limit} MiB"
    return (
        f"{iso(sample.time_ns)}  cpu {sample.cpu_cores:6.3f} cores  memory {memory}  "
        f"network {sample.received_bytes} in {sample.sent_bytes} out  processes {sample.processes}\n"
    )
