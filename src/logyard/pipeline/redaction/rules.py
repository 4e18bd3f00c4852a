"""Rules as data: what is looked for (``rules.toml``)."""

import tomllib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from logyard.errors import BadConfig

__all__ = ["EVERY", "Rule", "chosen", "rules"]

EVERY: Final = "all"


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is looked for."""

    name: str
    kind: str
    regex: str
    """RE2 syntax, linear time. The group ``secret``, where there is one, is what is masked."""
    validator: str = ""
    needs: tuple[str, ...] = ()
    """Texts of which one is in every match, in any case of ASCII: what holds none is not looked at."""
    common: bool = False
    """It is looked for by itself: found in too many texts, or too wide, to be looked for together with others."""


@cache
def rules() -> tuple[Rule, ...]:
    """All rules, in the order of the file."""
    text = files(__package__).joinpath("rules.toml").read_text("utf-8")
    return tuple(msgspec.convert(tomllib.loads(text)["rule"], list[Rule]))


def chosen(names: Sequence[str]) -> tuple[Rule, ...]:
    """The rules of these names and kinds; ``all`` is all of them. Raises ``BadConfig``."""
    known = {EVERY} | {rule.name for rule in rules()} | {rule.kind for rule in rules()}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadConfig(f"there is no rule {unknown[0]!r}; there are: {', '.join(sorted(known))}", path="rules")
    return tuple(rule for rule in rules() if {EVERY, rule.name, rule.kind} & set(names))
