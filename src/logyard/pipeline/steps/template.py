"""Make a text of fields."""

import re
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.pipeline.fields import check_settable, text, with_text
from logyard.registry import component

__all__ = ["Template", "TemplateConfig"]

_PART: Final = re.compile(r"\{\{|\}\}|\{([^{}]+)\}|[{}]|[^{}]+")


class TemplateConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``template``: a text with ``{field}`` where the field's value goes, "" where a record has none; ``{{`` and ``}}``
    are braces. ``field``: what is set to it.
    """

    template: str
    field: str = "message"


@component("template", config=TemplateConfig, example='template = "{method} {path} -> {status_code}"\n')
class Template:
    """Set a field to a text made of other fields."""

    def __init__(self, config: TemplateConfig) -> None:
        """Raises ``BadConfig`` for a template with a brace that is left open."""
        check_settable([config.field], "field")
        self._field = config.field
        self._parts = [_part(match) for match in _PART.finditer(config.template)]

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records."""
        names = dict.fromkeys(name for is_field, name in self._parts if is_field)
        fields = pl.DataFrame([text(frame, name).alias(name) for name in names])
        pieces = [pl.col(part) if is_field else pl.lit(part) for is_field, part in self._parts]
        if not names:
            made = pl.Series(["".join(part for _, part in self._parts)]).new_from_index(0, frame.height)
        else:
            made = fields.select(pl.concat_str(pieces)).to_series()
        return with_text(frame, self._field, made)


def _part(match: re.Match[str]) -> tuple[bool, str]:
    """Whether it is a field, and its name or the text."""
    text_, name = match[0], match[1]
    if name:
        return True, name.strip()
    if text_ in {"{", "}"}:
        raise BadConfig(f"a single {text_!r} at character {match.start() + 1}: write it twice", path="template")
    return False, {"{{": "{", "}}": "}"}.get(text_, text_)
