"""The machine, the container and the pod that this process runs in."""

import re
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from logyard.config import variable

__all__ = ["KubernetesConfig", "container", "host", "kubernetes"]

_CONTAINER: Final = re.compile(r"(?:^|[/-])([0-9a-f]{64})(?:\.scope)?(?:/|$)", re.MULTILINE)
_VARIABLES: Final = {
    "kubernetes.pod": "POD_NAME",
    "kubernetes.namespace": "POD_NAMESPACE",
    "kubernetes.uid": "POD_UID",
    "kubernetes.ip": "POD_IP",
    "kubernetes.node": "NODE_NAME",
    "kubernetes.container": "CONTAINER_NAME",
}
"""As the field's manifests name them for the downward API."""
_PAIR: Final = re.compile(r'^([^=\s]+)="((?:[^"\\]|\\.)*)"$')
_KINDS: Final = ("labels", "annotations")


class KubernetesConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``podinfo``: directory of the downward API's volume, with the files ``labels`` and ``annotations``. The rest
    comes from the environment: POD_NAME, POD_NAMESPACE, POD_UID, POD_IP, NODE_NAME, CONTAINER_NAME.
    """

    podinfo: str = "/etc/podinfo"


def host() -> Mapping[str, str]:
    """The machine's name."""
    return {"host": socket.gethostname()}


def container(process: Path = Path("/proc/self")) -> Mapping[str, str]:
    """The id of the container: by its control group, or by what is mounted into it. Nothing outside of one."""
    for name in ("cgroup", "mountinfo"):
        try:
            found = _CONTAINER.search((process / name).read_text("utf-8", "replace"))
        except OSError:
            continue
        if found:
            return {"container.id": found[1]}
    return {}


def kubernetes(config: KubernetesConfig) -> Mapping[str, str]:
    """The pod: names from the environment, labels and annotations from the files, as they are now."""
    known = {field: variable(name) for field, name in _VARIABLES.items()}
    found = {field: value for field, value in known.items() if value}
    for kind in _KINDS:
        found |= {f"kubernetes.{kind}.{key}": value for key, value in _pairs(Path(config.podinfo) / kind)}
    return found


def _pairs(file: Path) -> Iterator[tuple[str, str]]:
    """``key="value"`` a line, the value quoted as Go does."""
    try:
        lines = file.read_text("utf-8", "replace").splitlines()
    except OSError:
        return
    for line in lines:
        found = _PAIR.match(line)
        if found:
            yield found[1], _unquoted(found[2])


def _unquoted(text: str) -> str:
    try:
        return msgspec.json.decode(f'"{text}"', type=str)
    except msgspec.DecodeError:
        return text
