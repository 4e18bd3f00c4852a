"""What becomes of what was found: masked, shown in part, or a hash that is the same for the same secret."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Final, Literal

import polars as pl

__all__ = ["Mode", "masked", "replacer"]

Mode = Literal["mask", "partial", "hash"]
_SHOWN: Final = 4
_HASH: Final = 16


def replacer(mode: Mode, replacement: str, key: str) -> Callable[[str], str]:
    """What stands for a secret. ``partial``: ``replacement`` and its last four characters, if it has twelve or more.
    ``hash``: the first 16 digits of HMAC-SHA-256 with ``key``, so that equal secrets stay equal and nobody can try them
    out without the key.
    """
    if mode == "partial":
        return lambda secret: replacement + (secret[-_SHOWN:] if len(secret) >= 3 * _SHOWN else "")
    if mode == "hash":
        return lambda secret: hmac.new(key.encode(), secret.encode(), hashlib.sha256).hexdigest()[:_HASH]
    return lambda _: replacement


def masked(texts: pl.Series, found: pl.DataFrame, replace: Callable[[str], str]) -> pl.Series:
    """``texts`` with what ``find`` found in them replaced."""
    if found.is_empty():
        return texts
    rows: list[int] = []
    changed: list[str] = []
    # Only rows that hold a secret come here.
    for (row,), spans in found.group_by(["row"], maintain_order=True):
        text, pieces, end = texts[row], [], 0
        for start, stop in zip(spans["start"], spans["end"], strict=True):
            pieces += [text[end:start], replace(text[start:stop])]
            end = stop
        rows.append(row)
        changed.append("".join([*pieces, text[end:]]))
    return texts.scatter(rows, changed)
