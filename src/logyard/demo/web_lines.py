"""What the web API writes into ``access.log``: a line for each request and one for its response."""

from logyard.demo.lines import Fields

__all__ = ["RequestLine", "ResponseLine"]


class RequestLine(Fields, frozen=True, kw_only=True):
    """As it came in."""

    timestamp: str
    method: str
    path: str
    query_string: str
    remote_addr: str
    user_agent: str
    content_length: int


class ResponseLine(Fields, frozen=True, kw_only=True):
    """As it was answered."""

    timestamp: str
    status_code: int
    content_length: int
    processing_time_ms: float
