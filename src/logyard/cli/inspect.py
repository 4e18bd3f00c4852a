"""``logyard inspect``: all that is known of a container."""

from typing import Annotated

import msgspec
import typer
from google.protobuf.json_format import MessageToDict

from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent, HostOption
from logyard.cli.options import application
from logyard.cli.terminal import write_json

__all__ = ["app"]


def inspect(
    containers: Annotated[list[str], typer.Argument(metavar="CONTAINER...", help="Names or ids.")],
    *,
    host: HostOption = "",
) -> None:
    """Print all that is known of containers as JSON: one array. What the engine says itself is under 'detail'."""
    with Agent(host) as agent:
        found = [
            agent.ask("Inspect", pb.InspectRequest(container_identifier=name), pb.Container) for name in containers
        ]
    write_json([_plain(container) for container in found])


app = application(inspect)


def _plain(container: pb.Container) -> dict[str, object]:
    shown: dict[str, object] = MessageToDict(container, preserving_proto_field_name=True)
    shown.pop("detail_json", None)
    return shown | {"detail": msgspec.json.decode(container.detail_json or "null")}
