"""``options(concurrency=4, ignore_global_time_filter=true) query``: wishes of a query about how it is run."""

from dataclasses import dataclass, fields

from logyard.language.parser import Parser

__all__ = ["Options", "parse_options"]


@dataclass(frozen=True, slots=True)
class Options:
    """What was set. ``concurrency`` and ``parallel_readers`` are known, and the engine's business."""

    concurrency: int = 0
    parallel_readers: int = 0
    ignore_global_time_filter: bool = False
    """The query's own ``_time:`` counts, not the range that was asked for with it."""
    allow_partial_response: bool = False

    def __str__(self) -> str:
        """``options(...)`` and a blank, or nothing."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        found = ", ".join(f"{name}={_text(value)}" for name, value in values.items() if value)
        return f"options({found}) " if found else ""


def parse_options(parser: Parser) -> Options:
    """The options in front of a query, if there are any."""
    if not parser.take("options"):
        return Options()
    parser.expect("(")
    found: dict[str, int | bool] = {}
    while not parser.take(")"):
        name, value = _option(parser)
        found[name] = value
        if not parser.take(","):
            parser.expect(")")
            break
    return Options(
        concurrency=int(found.get("concurrency", 0)),
        parallel_readers=int(found.get("parallel_readers", 0)),
        ignore_global_time_filter=bool(found.get("ignore_global_time_filter", False)),
        allow_partial_response=bool(found.get("allow_partial_response", False)),
    )


def _option(parser: Parser) -> tuple[str, int | bool]:
    at = parser.token
    name = parser.name()
    parser.expect("=")
    value_at = parser.token
    value = parser.word().lower()
    if name in {"concurrency", "parallel_readers"}:
        if not (value.isascii() and value.isdecimal() and len(value) < 10):  # noqa: PLR2004 - digits
            raise parser.fail(f"{name} is a whole number", at=value_at)
        return name, int(value)
    if name in {"ignore_global_time_filter", "allow_partial_response"}:
        if value not in {"true", "false", "1", "0", "t", "f"}:
            raise parser.fail(f"{name} is true or false", at=value_at)
        return name, value in {"true", "1", "t"}
    raise parser.fail(f"unknown option {name!r}", at=at)


def _text(value: object) -> str:
    return str(value).lower()
