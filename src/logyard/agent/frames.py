"""Docker's multiplexed stream: frames of 8 bytes of header and a payload, cut by the network wherever it likes.

    byte 0     1 stdout, 2 stderr; 0 is stdin, echoed: counted as stdout; 3 an error of the engine's, in words
    bytes 1-3  zero
    bytes 4-7  length of the payload, big-endian

Source: Docker Engine API, "Stream format" under ContainerAttach. Containers with a terminal have no frames.
"""

import struct
from typing import Final

from logyard.agent.driver import STDERR, STDOUT, EngineFailed
from logyard.errors import Corrupt

__all__ = ["FrameParser", "Part"]

Part = tuple[int, bytes]
"""Stream and payload of one frame."""

_HEADER: Final = struct.Struct(">BHBI")
_ERROR: Final = 3
_LARGEST: Final = 16 << 20
"""Engines cut at 16 KB; what says more is not a frame."""


class FrameParser:
    """Fed with chunks of any size, gives the frames that are whole. One stream, one parser."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def clean(self) -> bool:
        """No frame is left half read."""
        return not self._rest

    def feed(self, chunk: bytes) -> list[Part]:
        """The frames that ``chunk`` completes, in order. Raises ``Corrupt`` for what is no stream of frames,
        ``EngineFailed`` for an error in it.
        """
        data = self._rest + chunk if self._rest else chunk
        frames: list[Part] = []
        at, end, unpack = 0, len(data), _HEADER.unpack_from
        while end - at >= _HEADER.size:
            stream, zero, zero_too, size = unpack(data, at)
            if stream > _ERROR or zero or zero_too or size > _LARGEST:
                raise Corrupt(f"this is no frame of a container's output: {data[at : at + 8]!r}")
            stop = at + 8 + size
            if stop > end:
                break
            if stream > STDERR:
                raise EngineFailed(data[at + 8 : stop].decode(errors="replace").strip())
            frames.append((stream or STDOUT, data[at + 8 : stop]))
            at = stop
        self._rest = data[at:]
        return frames
