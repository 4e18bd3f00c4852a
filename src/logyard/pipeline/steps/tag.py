"""Put labels on records."""

import tomllib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Final

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.language.condition import read_filter
from logyard.language.view import View
from logyard.registry import component

__all__ = ["Tag", "TagConfig", "TagRule"]

_SHIPPED: Final = "topics"


class TagRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``tag``: what is put on. ``where``: LogsQL filter of the records that get it."""

    tag: str
    where: str


class _RuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    rule: tuple[TagRule, ...]


class TagConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``tags``: what is put on. ``where``: LogsQL filter of the records that get it, all by default.

    ``rules``: instead, a file of rules, of which each puts its tag on the records that it matches: ``topics``, which
    comes with Logyard (auth, payment, api, ...; ``logyard pipeline show topics`` prints it), or the path of a TOML file
    of one's own. ``otherwise``: tag of records that no rule matches.
    """

    tags: tuple[str, ...] = ()
    where: str = "*"
    rules: str = ""
    otherwise: str = ""


@component("tag", config=TagConfig, example='rules = "topics"\notherwise = "general"\n')
class Tag:
    """Put labels on the records that match a filter, or by a file of rules."""

    def __init__(self, config: TagConfig) -> None:
        """Raises ``BadConfig`` for a filter or a file that cannot be read."""
        if not (config.tags or config.rules):
            raise BadConfig("say tags, or a file of rules", path="tags")
        own = [TagRule(tag=tag, where=config.where) for tag in dict.fromkeys(config.tags)]
        rules = [*own, *(_read(config.rules) if config.rules else ())]
        self._rules = [(rule.tag, read_filter(rule.where, path=f"rules.{rule.tag}")) for rule in rules]
        self._otherwise = config.otherwise

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records; a label that is there already is not put on twice."""
        view = View.of_frame(frame)
        found = [
            pl.select(pl.when(rule.match(view)).then(pl.lit(tag))).to_series().alias(str(place))
            for place, (tag, rule) in enumerate(self._rules)
        ]
        put = pl.DataFrame(found).select(pl.concat_list(pl.all()).list.drop_nulls().alias("put"))["put"]
        if self._otherwise:
            put = put.zip_with(put.list.len() > 0, pl.Series([[self._otherwise]]).new_from_index(0, frame.height))
        tagged = pl.col("tags").list.concat(put).list.unique(maintain_order=True)
        return frame.with_columns(tagged.alias("tags"))


def _read(name: str) -> Sequence[TagRule]:
    try:
        text = _shipped() if name == _SHIPPED else Path(name).read_text("utf-8")
        return msgspec.convert(tomllib.loads(text), _RuleFile).rule
    except OSError as error:
        raise BadConfig(f"cannot read {name}: {error.strerror}", path="rules") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, msgspec.ValidationError) as error:
        raise BadConfig(f"{name}: {error}", path="rules") from error


def _shipped() -> str:
    return files("logyard.pipeline.shipped").joinpath(f"{_SHIPPED}.toml").read_text("utf-8")
