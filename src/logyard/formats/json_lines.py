"""JSON lines (NDJSON): one object a line."""

from logyard.errors import BadPayload
from logyard.formats.json.line import LineLimits
from logyard.formats.json.lines import validate
from logyard.model.batch import Encoded
from logyard.registry import component

__all__ = ["JsonLines"]


@component("json_lines", config=LineLimits, example="line_bytes = 65536\n")
class JsonLines:
    """One JSON object a line; the bytes stay as they came."""

    def __init__(self, config: LineLimits) -> None:
        """Beyond these limits a line is bad."""
        self._limits = config

    def decode(self, payload: bytes) -> Encoded:
        """All lines. Raises ``BadPayload`` for the first bad one, and for none at all."""
        found = validate(payload, limits=self._limits)
        for refusal in found.rejected:
            raise BadPayload(refusal.reason, index=refusal.index)
        if found.encoded is None:
            raise BadPayload("no line holds an object")
        return found.encoded
