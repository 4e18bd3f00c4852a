"""What is known of the lines of a source, from its settings: format, times, joining, and how to take them apart."""

from collections.abc import Callable, Mapping
from typing import Annotated, Final, Literal

import msgspec

from logyard.errors import BadConfig
from logyard.formats.lines.detect import Detector, DetectorState
from logyard.formats.lines.own import named_or_own
from logyard.formats.multiline.gather import Container, Gatherer
from logyard.formats.multiline.rules import JoinRules
from logyard.model.civil.customs import Customs
from logyard.model.civil.zones import check_zone
from logyard.model.reading import DEFAULT_READING
from logyard.receivers.tailing.assemble import Assembler, AssemblerMaker, Whole
from logyard.receivers.tailing.passing import Passing
from logyard.receivers.tailing.understand import Understood

__all__ = ["HOLD_SECONDS", "DateOrder", "LineSettings", "Multiline", "assembler_maker", "hold_seconds", "join_rules"]

HOLD_SECONDS: Final = 5.0
"""So long what came in parts is waited for."""
DateOrder = Literal["", "MDY", "DMY", "YMD"]
Multiline = Annotated[str, msgspec.Meta(min_length=1)] | JoinRules
_UNPARSED: Final = ("unparsed", "plain")
_CONTAINERS: Final = ("docker", "cri")


class LineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """As ``receivers/files.py`` documents them."""

    format: str = "auto"
    grok: tuple[str, ...] = ()
    types: Mapping[str, str] = {}
    multiline: Multiline = "off"
    customs: Customs = Customs()


def join_rules(multiline: Multiline) -> JoinRules | None:
    """None for ``off``."""
    if isinstance(multiline, JoinRules):
        return multiline
    return None if multiline == "off" else JoinRules(preset=multiline)


def hold_seconds(settings: LineSettings) -> float:
    """How long a record that may go on is waited for."""
    rules = join_rules(settings.multiline)
    return HOLD_SECONDS if rules is None else rules.timeout


def assembler_maker(settings: LineSettings, now: Callable[[], int]) -> AssemblerMaker:
    """One assembler for each source. ``now``: nanoseconds since 1970. Raises ``BadConfig`` for what cannot be used."""
    rules = join_rules(settings.multiline)
    if settings.grok and settings.format != "auto":
        raise BadConfig("give a format or expressions of your own (grok), not both", path="grok")
    if settings.format in _UNPARSED and rules is None:
        kind = "plain" if settings.format == "plain" else "raw"
        return lambda _: Whole(msgspec.structs.replace(DEFAULT_READING, kind=kind))
    form = named_or_own(_format(settings.format), settings.grok, settings.types)
    check_zone(settings.customs.zone)
    if form != "auto" and settings.format not in _UNPARSED:
        Detector(form, customs=settings.customs)  # all formats at once would cost a light process 10 MB
    Gatherer(rules)
    passing = Passing(settings.customs)

    def detector(state: DetectorState | None) -> Detector:
        return Detector(form, state, customs=settings.customs)

    def made(_: str) -> Assembler:
        gatherer = Gatherer(rules, _container(settings))
        return Understood(settings.format, gatherer, passing, detector=detector, now=now)

    return made


def _format(name: str) -> str:
    """What the lines themselves are in."""
    if name == "json":
        return "json_log"
    return "auto" if name in _CONTAINERS else name


def _container(settings: LineSettings) -> Container:
    if settings.format in _CONTAINERS:
        return "docker" if settings.format == "docker" else "cri"
    # A format that is named is that of the lines as they lie there.
    return "auto" if settings.format == "auto" and not settings.grok else "off"
