"""``logyard events``: what happens to containers, as it happens."""

from google.protobuf.json_format import MessageToDict
from msgspec.json import encode

from logyard.agent.stamps import iso
from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent, HostOption
from logyard.cli.options import TableOption, TableOutput, application
from logyard.cli.ps import LabelOption
from logyard.cli.terminal import without_controls, write

__all__ = ["app"]


def events(*, label: LabelOption = None, output: TableOption = TableOutput.TEXT, host: HostOption = "") -> None:
    """Print what happens to containers from now on, a line each; Ctrl-C ends it."""
    with Agent(host) as agent, agent.errors():
        for event in agent.stream("Events", pb.EventsRequest(labels=label or ()), pb.Event):
            write(_line(event, output))


app = application(events)


def _line(event: pb.Event, output: TableOutput) -> str:
    if output is TableOutput.JSON:
        return encode(MessageToDict(event, preserving_proto_field_name=True)).decode() + "\n"
    if event.action == "connected":
        return ""
    code = f" exit_code={event.exit_code}" if event.action == "die" else ""
    text = f"{iso(event.time_ns)} {event.action} {event.container_name} {event.container_id[:12]} {event.image}{code}"
    return f"{without_controls(text)}\n"
