"""Text back into query text: what must be quoted to be read as the same text again."""

import re
from typing import Final

__all__ = ["field_prefix", "quote", "quote_if_needed", "quote_literal"]

_WORD: Final = re.compile(r"[\w.]+(?:-[\w.]+)*")
_LITERAL: Final = re.compile(r"[+-]?[\w.][\w.:+-]*")
_ESCAPES: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\r": "\\r", "\t": "\\t"}

_RESERVED: Final = frozenset(
    """
    and or not now offset options if by as from
    contains_all contains_any eq_field exact i in ipv4_range le_field len_range lt_field
    range re seq string_range value_type day_range week_range
    block_stats blocks_count collapse_nums copy cp count decolorize del delete drop drop_empty_fields
    eval extract extract_regexp facets field_names field_values fields filter first format hash head
    join json_array_len keep last len limit math mv order pack_json pack_logfmt rename replace
    replace_regexp rm sample skip sort stats stream_context top union uniq unpack_json unpack_logfmt
    unpack_syslog unpack_words unroll where
    avg count_empty count_uniq count_uniq_hash histogram json_values max median min quantile rate
    rate_sum row_any row_max row_min sum sum_len uniq_values values
    """.split()  # noqa: SIM905 - lines of words are read more easily than a column of quotes
)
"""Words that start something else somewhere in the language; quoted even where they need not be."""


def quote(text: str) -> str:
    """``text`` in double quotes."""
    return '"' + "".join(map(_escaped, text)) + '"'


def quote_if_needed(text: str) -> str:
    """``text`` as it is if it reads back as one word (``bar``, ``bar-baz``), else in double quotes."""
    if (
        _WORD.fullmatch(text)
        and text.lower() not in _RESERVED
        and text.split("-", maxsplit=1)[0].lower() not in _RESERVED
    ):
        return text
    return quote(text)


def quote_literal(text: str) -> str:
    """A number or a time as it is (``-10``, ``2024-05-31T10:20Z``); quoted where blanks would part it."""
    return text if _LITERAL.fullmatch(text) else quote(text)


def field_prefix(field: str) -> str:
    """What stands in front of a filter on this field: ``foo:``, or nothing for the message."""
    return f"{quote_if_needed(field)}:" if field else ""


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if character.isprintable():
        return character
    return f"\\x{ord(character):02x}" if character.isascii() else f"\\U{ord(character):08x}"
