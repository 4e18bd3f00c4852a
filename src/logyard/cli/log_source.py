"""One container's log from an agent, over as many connections as it takes.

A follow that loses its agent goes on behind the last line it had, by the cursor, without gap or duplicate.
"""

import itertools
import random
import threading
from collections.abc import Iterator, Sequence
from typing import Final

import grpc

from logyard.agent.stamps import iso
from logyard.agent.v1 import agent_pb2 as pb
from logyard.cli.agent_remote import Agent, Call, failed, is_lost
from logyard.cli.log_lines import LogLine

__all__ = ["LogSource", "Piece", "lines_of"]

_FIRST_PAUSE: Final = 0.2
_LONGEST_PAUSE: Final = 5.0

Piece = pb.LogBatch | str
"""Lines, or words about them."""

_MARKERS: Final = {
    "restarted": "Container '{}' restarted",
    "recreated": "Container '{}' was created anew",
    "stopped": "Container '{}' stopped",
    "removed": "Container '{}' was removed",
    "reconnected": "The engine is back; following container '{}' again",
}


class LogSource:
    """One container. ``pieces`` in one thread; ``stop`` from any."""

    def __init__(self, agent: Agent, request: pb.LogsRequest) -> None:
        self.name = request.container_identifier
        self._agent, self._request = agent, request
        self._call: Call[pb.LogsResponse] | None = None
        self._stopped = threading.Event()
        self._heard = False

    def pieces(self) -> Iterator[Piece]:
        """Until the log ends, or ``stop``. Raises what the agent says."""
        pause = _FIRST_PAUSE
        while not self._stopped.is_set():
            try:
                for response in self._responses():
                    pause = _FIRST_PAUSE
                    yield from self._read(response)
            except grpc.RpcError as error:
                if self._stopped.is_set():
                    return
                if not (self._request.follow and self._heard and is_lost(error)):
                    raise failed(error, self._agent.address) from error
                if pause == _FIRST_PAUSE:
                    yield "Lost the agent; trying again"
            else:
                return
            self._stopped.wait(random.uniform(0.5, 1) * pause)  # noqa: S311 - jitter
            pause = min(2 * pause, _LONGEST_PAUSE)

    def stop(self) -> None:
        """End it."""
        self._stopped.set()
        if self._call is not None:
            self._call.cancel()

    def _responses(self) -> Iterator[pb.LogsResponse]:
        self._call = self._agent.stream("GetLogs", self._request, pb.LogsResponse)
        for response in self._call:
            self._heard = True
            yield response
            if response.cursor:
                self._request.cursor = response.cursor

    def _read(self, response: pb.LogsResponse) -> Iterator[Piece]:
        match response.WhichOneof("response"):
            case "batch":
                yield response.batch
            case "marker":
                yield _MARKERS.get(response.marker.kind, response.marker.kind).format(self.name)
            case "gap":
                gap = response.gap
                between = f"between {iso(gap.after_ns) or 'its beginning'} and {iso(gap.before_ns)}"
                yield f"Lines of container '{self.name}' {between} are lost: the engine does not have them any more"
            case _:
                return


def lines_of(batch: pb.LogBatch, source: int) -> Sequence[LogLine]:
    """The lines of a batch that has times."""
    ends = list(itertools.accumulate(batch.sizes))
    streams = batch.streams * len(ends) if len(batch.streams) == 1 else batch.streams
    data = batch.data
    return [
        LogLine(time, source, stream, data[start:end])
        for time, stream, start, end in zip(batch.times, streams, [0, *ends], ends, strict=False)
    ]
