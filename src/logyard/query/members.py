"""The members of a JSON object as flat text: nested names dotted, numbers as written, arrays as compact JSON."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from logyard.types import Json

__all__ = ["members"]

_DECODER: Final = msgspec.json.Decoder(float_hook=lambda text: msgspec.Raw(text.encode()))


def members(text: str) -> Mapping[str, str]:
    """Name to text; nothing when the text is no JSON object. Nulls are left out, empty texts are there."""
    if text.lstrip()[:1] != "{":
        return {}
    try:
        return dict(_leaves("", _DECODER.decode(text)))
    except (msgspec.DecodeError, RecursionError):
        return {}


def _leaves(name: str, value: Json | msgspec.Raw) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        start = f"{name}." if name else ""
        for key, inner in value.items():
            yield from _leaves(start + key, inner)
    elif isinstance(value, str):
        yield name, value
    elif value is not None:
        yield name, msgspec.json.encode(value).decode()
