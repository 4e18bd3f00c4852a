"""What becomes of what was found: masked, shown in part, taken out, or a token that is the same for the same secret."""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Final, Literal

import msgspec
import polars as pl

__all__ = ["KEYED", "Mode", "Replace", "masked", "masked_json", "replacer"]

Mode = Literal["mask", "partial", "hash", "token", "remove", "drop"]
Replace = Callable[[str, str], str]
"""A secret and the name of its rule into what stands for it."""

KEYED: Final = frozenset({"hash", "token"})
"""Modes that need a key."""
_SPAN: Final = ("row", "start", "end", "rule")
_SHOWN: Final = 4
_HASH: Final = 16
_LOST: Final = (
    '{"processing_error":"what had to be redacted could not be taken out of the attributes: they are left out"}'
)


def replacer(mode: Mode, replacement: str, key: str, *, kinds: Mapping[str, str] | None = None) -> Replace:
    """What stands for a secret.

    ``mask`` the replacement; ``partial`` the replacement and the last four characters of twelve and more; ``hash`` the
    first 16 digits of HMAC-SHA-256 with ``key``, so that equal secrets stay equal and nobody can try them out without
    the key; ``token`` the same with the kind in front of it, ``[email:9f86d081884c7d65]``; ``remove`` nothing.
    """
    if mode == "partial":
        return lambda secret, _: replacement + (secret[-_SHOWN:] if len(secret) >= 3 * _SHOWN else "")
    if mode == "hash":
        return lambda secret, _: _digits(key, secret)
    if mode == "token":
        names = kinds or {}
        return lambda secret, rule: f"[{names.get(rule, rule)}:{_digits(key, secret)}]"
    if mode == "remove":
        return lambda _secret, _kind: ""
    return lambda _secret, _kind: replacement


def masked(texts: pl.Series, found: pl.DataFrame, replace: Replace) -> pl.Series:
    """``texts`` with what ``find`` found in them replaced."""
    if found.is_empty():
        return texts
    rows, changed = _changed(texts, found, replace)
    return texts.clone().scatter(rows, changed)  # which changes what it is called on


def masked_json(texts: pl.Series, found: pl.DataFrame, replace: Replace) -> pl.Series:
    """The same of JSON objects, which stay JSON: a number becomes a text; what cannot be helped goes."""
    if found.is_empty():
        return texts
    rows, changed = _changed(texts, found, replace)
    broken = [place for place, text in enumerate(changed) if not _is_object(text)]
    if broken:
        _, quoted = _changed(texts, found, lambda secret, rule: f'"{replace(secret, rule)}"')
        for place in broken:
            changed[place] = quoted[place] if _is_object(quoted[place]) else _LOST
    return texts.clone().scatter(rows, changed)  # which changes what it is called on


def _changed(texts: pl.Series, found: pl.DataFrame, replace: Replace) -> tuple[list[int], list[str]]:
    """The rows that hold a secret, and what becomes of them. Only these come here."""
    own = found["row"].unique(maintain_order=True)
    originals = dict(zip(own.to_list(), texts.gather(own).to_list(), strict=True))
    pieces: dict[int, list[str]] = {row: [] for row in originals}
    ends = dict.fromkeys(originals, 0)
    for row, start, end, rule in zip(*(found[name].to_list() for name in _SPAN), strict=True):
        text = originals[row]
        pieces[row] += (text[ends[row] : start], replace(text[start:end], rule))
        ends[row] = end
    return list(originals), ["".join(pieces[row]) + text[ends[row] :] for row, text in originals.items()]


def _is_object(text: str) -> bool:
    try:
        msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError:
        return False
    return True


def _digits(key: str, secret: str) -> str:
    return hmac.new(key.encode(), secret.encode(), hashlib.sha256).hexdigest()[:_HASH]
