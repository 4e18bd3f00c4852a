r"""Stream identity: the few fields that say where a record comes from, as one text:
``{host="a",service="b"}``.

Names are sorted; a field that is empty or was set by default is left out; ``{}`` when none is left. In values
a backslash, a double quote and a newline are escaped as ``\\``, ``\"`` and ``\n``; a name that holds anything
but letters, digits, ``_``, ``.``, ``-``, ``/``, ``:`` and ``@`` is quoted like a value.
"""

import re
from collections.abc import Mapping
from typing import Final

from logyard.errors import BadInput

__all__ = ["EMPTY", "compose", "parse"]

EMPTY: Final = "{}"
"""The identity of a record without any of the stream fields."""

_QUOTED: Final = r'"((?:[^"\\\n]|\\[\\"n])*)"'
_NAME: Final = re.compile(r"[\w.\-/:@]+", re.ASCII)
_FIELD: Final = re.compile(rf"(?:([\w.\-/:@]+)|{_QUOTED})={_QUOTED}(?:,|$)", re.ASCII)
_ESCAPE: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n"})
_ESCAPED: Final = re.compile(r'\\([\\"n])')


def compose(fields: Mapping[str, str]) -> str:
    """The text for these fields; empty values are left out."""
    parts = (f'{_name(name)}="{fields[name].translate(_ESCAPE)}"' for name in sorted(fields) if fields[name])
    return "{" + ",".join(parts) + "}"


def parse(text: str) -> dict[str, str]:
    """The inverse of ``compose``. Raises ``BadInput`` for a text that ``compose`` could not have made."""
    if not (text.startswith("{") and text.endswith("}")):
        raise BadInput(f'not a stream identity, which is written {{name="value"}}: {text!r}')
    inside, position, fields = text[1:-1], 0, dict[str, str]()
    while position < len(inside):
        found = _FIELD.match(inside, position)
        if found is None:
            raise BadInput(f"not a stream identity from character {position + 2} on: {text!r}")
        bare, quoted, value = found.groups()
        fields[bare or _plain(quoted)] = _plain(value)
        position = found.end()
    return fields


def _name(name: str) -> str:
    return name if _NAME.fullmatch(name) else f'"{name.translate(_ESCAPE)}"'


def _plain(text: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], text)
