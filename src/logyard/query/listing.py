"""Lists of fields in parentheses or without, ``by (a, b)``, and words that must not be taken for names."""

from collections.abc import Iterable

from logyard.language.parser import Parser
from logyard.language.quoting import quote_if_needed

__all__ = ["free_name", "list_text", "read_field", "read_list", "read_result_name"]


def read_field(parser: Parser, what: str = "a field's name") -> str:
    """One name without ``*``; the message is ``_msg``."""
    if parser.at("*", "(", ")", ",", "|") or parser.at_end:
        raise parser.fail(f"missing {what}")
    name = parser.name() or "_msg"
    if parser.at("*") and not parser.token.spaced:
        raise parser.fail(f"{what} must be a whole name here")
    return name


def read_list(parser: Parser, *, reserved: Iterable[str] = ()) -> tuple[str, ...]:
    """``(a, b)`` or ``a, b``; at least one name, and, without parentheses, none of the ``reserved`` words."""
    closed = parser.take("(")
    reserved = () if closed else tuple(reserved)
    names = [_member(parser, reserved)]
    while parser.take(","):
        if closed and parser.at(")"):
            break
        names.append(_member(parser, reserved))
    if closed:
        parser.expect(")")
    return tuple(names)


def read_result_name(parser: Parser) -> str:
    """``as name`` or ``name``."""
    parser.take("as")
    return read_field(parser, "a name for the result")


def list_text(names: Iterable[str]) -> str:
    """``a, b``."""
    return ", ".join(map(quote_if_needed, names))


def free_name(wanted: str, taken: Iterable[str]) -> str:
    """``wanted``, with as many ``s`` behind it as it takes to be none of the others."""
    others = set(taken)
    while wanted in others:
        wanted += "s"
    return wanted


def _member(parser: Parser, reserved: Iterable[str]) -> str:
    if parser.at(*reserved):
        raise parser.fail("missing a field's name")
    return read_field(parser)
