"""Settings from the environment: ``LOGYARD_URL``, ``LOGYARD_SERVICE``, ``LOGYARD_API_KEY`` and so on.

Every setting of ``settings.py`` that is a text, a number or a switch is ``LOGYARD_`` and its name in capitals. What
the program says in code wins. ``LOGYARD_API_KEY_FILE`` names a file that holds the key. Where nobody names a service,
OpenTelemetry's ``OTEL_SERVICE_NAME`` does.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Final

from logyard.handler.settings import Options, Settings, settings_of

__all__ = ["from_environment", "variables"]

_PREFIX: Final = "LOGYARD_"
_SWITCHES: Final = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
_READERS: Final[Mapping[object, Callable[[str], object]]] = {
    int: int,
    float: float,
    bool: lambda text: _SWITCHES[text.lower()],
}


def from_environment(
    url: str = "", options: Options | None = None, environment: Mapping[str, str] | None = None
) -> Settings:
    """The settings in effect. Raises ``ValueError`` that names the variable or the setting."""
    found = _read(os.environ if environment is None else environment) | dict(options or {})
    return settings_of(found | {"url": url} if url else found)


def variables() -> Mapping[str, str]:
    """Variable to setting."""
    return {_PREFIX + each.name.upper(): each.name for each in fields(Settings) if each.name != "observe"}


def _read(environment: Mapping[str, str]) -> dict[str, object]:
    kinds = {each.name: each.type for each in fields(Settings)}
    found: dict[str, object] = {}
    if environment.get("OTEL_SERVICE_NAME"):
        found["service"] = environment["OTEL_SERVICE_NAME"]
    if environment.get("LOGYARD_API_KEY_FILE"):
        found["api_key"] = Path(environment["LOGYARD_API_KEY_FILE"]).read_text(encoding="utf-8").strip()
    for variable, name in variables().items():
        text = environment.get(variable, "")
        if not text:
            continue
        try:
            found[name] = _READERS.get(kinds[name], str)(text)
        except (ValueError, KeyError):
            raise ValueError(f"cannot read {variable} from {text!r}") from None
    return found
