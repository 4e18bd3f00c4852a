"""``logyard version``: which Logyard this is, and on what it runs."""

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as installed

from logyard import __version__
from logyard.cli.options import TableOption, TableOutput, application
from logyard.cli.output import write
from logyard.cli.terminal import write_json

__all__ = ["app"]

_PARTS = ("chdb-core", "polars", "msgspec", "litestar", "uvicorn")


def version(output: TableOption = TableOutput.TEXT) -> None:
    """Print the version of Logyard, of Python, and of the parts that matter."""
    known = {"logyard": __version__, "python": platform.python_version(), "platform": platform.platform()}
    known |= {part: _installed(part) for part in _PARTS}
    if output is TableOutput.JSON:
        write_json(known)
        return
    write("".join(f"{name:<10} {value or 'not installed'}\n" for name, value in known.items()))


app = application(version)


def _installed(part: str) -> str:
    try:
        return installed(part)
    except PackageNotFoundError:
        return ""
