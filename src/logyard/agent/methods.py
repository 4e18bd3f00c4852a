"""The methods of ``logyard.agent.v1.Agent``: names and message types, for the server and for clients.

Written by hand, where ``protoc`` would write a module without types.
"""

from collections.abc import Mapping
from typing import Final

import msgspec
from google.protobuf.message import Message

from logyard.agent.v1 import agent_pb2 as pb

__all__ = ["METHODS", "SERVICE", "Method"]

SERVICE: Final = "logyard.agent.v1.Agent"


class Method(msgspec.Struct, frozen=True):
    """One method."""

    request: type[Message]
    response: type[Message]
    streams_request: bool = False
    streams_response: bool = False


METHODS: Final[Mapping[str, Method]] = {
    "LaunchContainer": Method(pb.LaunchRequest, pb.Container),
    "StopContainer": Method(pb.StopRequest, pb.StopResponse),
    "ExecContainer": Method(pb.ExecRequest, pb.ExecResponse, streams_request=True, streams_response=True),
    "GetLogs": Method(pb.LogsRequest, pb.LogsResponse, streams_response=True),
    "List": Method(pb.ListRequest, pb.ListResponse),
    "Inspect": Method(pb.InspectRequest, pb.Container),
    "Remove": Method(pb.RemoveRequest, pb.RemoveResponse),
    "Events": Method(pb.EventsRequest, pb.Event, streams_response=True),
    "Stats": Method(pb.StatsRequest, pb.StatsSample, streams_response=True),
    "HostInfo": Method(pb.HostInfoRequest, pb.HostInfoResponse),
}
