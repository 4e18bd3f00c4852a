"""The URL of a buffer: ``nats://[USER:PASSWORD@]HOST:PORT,HOST:PORT/STREAM?replicas=3&timeout=5``."""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, unquote

import msgspec

from logyard.errors import BadConfig

__all__ = ["Address"]

_URL: Final = re.compile(
    r"(?P<scheme>[a-z]+)://(?:(?P<user>[^@/?]*)@)?(?P<hosts>[^/?@]+)/(?P<name>[^/?]+)(?:\?(?P<rest>.*))?"
)
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,100}")
_HOST: Final = re.compile(r"(\[[0-9a-fA-F:]+\]|[^:\[\]]+)(:\d{1,5})?")


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """A URL, understood."""

    scheme: str
    hosts: tuple[str, ...]
    """``HOST:PORT`` each."""
    user: str
    """``USER:PASSWORD``, as it stands in the URL; empty for none."""
    name: str
    """Of the stream or topic."""
    options: Mapping[str, str]

    @staticmethod
    def parse(url: str, *, options: Mapping[str, str], setting: str = "buffer") -> "Address":
        """``options``: those there are, with their defaults. Raises ``BadConfig``, which does not show secrets."""
        found = _URL.fullmatch(url)
        if found is None:
            raise BadConfig(
                f"cannot understand {_shown(url)!r}: it should be SCHEME://HOST:PORT,.../NAME", path=setting
            )
        hosts = tuple(found["hosts"].split(","))
        for host in hosts:
            if _HOST.fullmatch(host) is None:
                raise BadConfig(f"{host!r} is not HOST:PORT", path=setting)
        name = unquote(found["name"])
        if _NAME.fullmatch(name) is None:
            raise BadConfig(f"{name!r} is no name: letters, digits, _ and - are", path=setting)
        given = dict(parse_qsl(found["rest"] or "", keep_blank_values=True))
        unknown = given.keys() - options.keys()
        if unknown:
            raise BadConfig(f"has no option {min(unknown)!r}; there are: {', '.join(sorted(options))}", path=setting)
        return Address(
            scheme=found["scheme"], hosts=hosts, user=found["user"] or "", name=name, options={**options, **given}
        )

    def number(self, option: str, *, least: float = 1) -> float:
        """An option that is a number. Raises ``BadConfig``."""
        text = self.options[option]
        try:
            number = float(text)
        except ValueError:
            number = float("nan")
        if not number >= least:
            raise BadConfig(f"{option}={text} is no number of at least {least:g}", path="buffer")
        return number


def _shown(url: str) -> str:
    return re.sub(r"//[^/@]*@", "//...@", url)
