"""What the store will not take: kept, counted, visible with ``ls``, replayable. Never a reason to stop the rest.

``dead_letters/<token>.<form>.sealed`` is the segment as it was; ``<token>.reason`` says what the engine said. To try
again, stop Logyard and move the segment back into ``wal/`` under a free number.
"""

import os
import shutil
from pathlib import Path

from logyard.ports import Sealed

__all__ = ["DeadLetters"]


class DeadLetters:
    """A folder of segments that could not be stored."""

    def __init__(self, directory: Path) -> None:
        """Made when the first one comes."""
        self._directory = directory

    def put(self, segment: Sealed, reason: str) -> Path:
        """Keep a copy of the segment; where it lies. Raises ``OSError``."""
        self._directory.mkdir(parents=True, exist_ok=True)
        name = f"{segment.token.replace('/', '_')}-{segment.path.name}"
        kept = self._directory / name
        partial = kept.with_suffix(".partial")
        kept.with_suffix(".reason").write_text(reason + "\n")
        with segment.path.open("rb") as source, partial.open("wb") as copy:
            shutil.copyfileobj(source, copy)
            copy.flush()
            os.fsync(copy.fileno())
        partial.rename(kept)
        # The segment's own file goes next: the copy must outlive a power cut by then.
        _sync(self._directory)
        _sync(self._directory.parent)
        return kept

    def count(self) -> int:
        """Segments kept."""
        return sum(1 for _ in self._directory.glob("*.sealed"))


def _sync(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
