"""Add what is known beside a record."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
import polars as pl

from logyard.errors import BadConfig
from logyard.pipeline.enriching.browsers import UserAgents
from logyard.pipeline.enriching.lookup import Lookup, LookupConfig
from logyard.pipeline.enriching.machine import KubernetesConfig, container, host, kubernetes
from logyard.pipeline.enriching.networks import NetworkConfig, Networks
from logyard.pipeline.fields import Scalar, check_settable, json, literal, with_json, with_text
from logyard.registry import component

__all__ = ["Enrich", "EnrichConfig"]

Columns = Callable[[pl.DataFrame], Mapping[str, pl.Series]]


class EnrichConfig(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``fields``: the same for all records. ``host``, ``container``: name of this machine, id of this container.
    ``kubernetes``: names, labels and annotations of this pod, by the downward API (``kubernetes.pod``, ...).
    ``lookup``: columns of CSV files. ``networks``: columns of CSV files of networks, for GeoIP. ``user_agent``: a field
    that is taken apart (``<field>.name``, ``.version``, ``.os``, ``.os_version``, ``.device``). Files are read again
    when they change.

    ``overwrite``: whether what a record has already gives way.
    """

    fields: dict[str, Scalar] = {}
    host: bool = False
    container: bool = False
    kubernetes: KubernetesConfig | None = None
    lookup: tuple[LookupConfig, ...] = ()
    networks: tuple[NetworkConfig, ...] = ()
    user_agent: str = ""
    overwrite: bool = False


_EXAMPLE = """\
host = true
kubernetes = {}
user_agent = "user_agent"

[fields]
env = "production"
"""


@component("enrich", config=EnrichConfig, example=_EXAMPLE)
class Enrich:
    """Add static fields, the machine, the pod, columns of CSV files, networks and parsed user agents."""

    def __init__(self, config: EnrichConfig) -> None:
        """Raises ``BadConfig`` for a file that cannot be used or a field that cannot be set."""
        check_settable(list(config.fields), "fields")
        self._overwrite = config.overwrite
        self._static = {name: literal(value) for name, value in config.fields.items()}
        about = {**(host() if config.host else {}), **(container() if config.container else {})}
        self._static |= {name: literal(value) for name, value in about.items()}
        self._pod = config.kubernetes
        self._columns = _columns(config)
        if not (self._static or self._pod is not None or self._columns or config.container):
            raise BadConfig("say what is added", path="fields")

    def __call__(self, frame: pl.DataFrame) -> pl.DataFrame:
        """All records."""
        pod = {} if self._pod is None else kubernetes(self._pod)
        for name, value in {**self._static, **{name: literal(text) for name, text in pod.items()}}.items():
            values = pl.Series([value]).new_from_index(0, frame.height)
            frame = with_json(frame, name, self._wanted(frame, name, values))
        for columns in self._columns:
            for name, texts in columns(frame).items():
                frame = with_text(frame, name, self._wanted(frame, name, texts))
        return frame

    def _wanted(self, frame: pl.DataFrame, name: str, values: pl.Series) -> pl.Series:
        """Null where a record has one."""
        if self._overwrite:
            return values
        missing = frame["service"] == "unknown" if name == "service" else json(frame, name).is_null()
        return values.set(~missing, None)


def _columns(config: EnrichConfig) -> Sequence[Columns]:
    lookups: list[Columns] = [Lookup(each) for each in config.lookup]
    networks: list[Columns] = [Networks(each) for each in config.networks]
    agents: list[Columns] = [UserAgents(config.user_agent)] if config.user_agent else []
    return [*lookups, *networks, *agents]
