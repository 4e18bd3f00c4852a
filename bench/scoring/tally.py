"""Counts of what was right, by measure and group."""

from collections import defaultdict

__all__ = ["Tally"]


class Tally:
    """Right answers and all answers."""

    def __init__(self) -> None:
        self._right: dict[tuple[str, str], int] = defaultdict(int)
        self._all: dict[tuple[str, str], int] = defaultdict(int)
        self.misses: list[str] = []

    def count(self, measure: str, group: str, *, right: bool, miss: str = "") -> None:
        """One answer; ``miss`` says what was wrong about it."""
        self._right[measure, group] += right
        self._all[measure, group] += 1
        if miss and right == (measure == "pii_false"):
            self.misses.append(f"{measure} {group}: {miss}")

    def share(self, measure: str) -> float:
        """Over all groups; 0 where there were no cases."""
        right = sum(count for (name, _), count in self._right.items() if name == measure)
        total = sum(count for (name, _), count in self._all.items() if name == measure)
        return right / total if total else 0.0

    def table(self) -> str:
        """A row a group, a column a measure."""
        measures = list(dict.fromkeys(measure for measure, _ in self._all))
        groups = sorted({group for _, group in self._all})
        width = max(map(len, groups), default=0)
        rows = [" ".join([" " * width, *(f"{measure:>15}" for measure in measures)])]
        rows += [
            " ".join([group.ljust(width), *(f"{self._cell(measure, group):>15}" for measure in measures)])
            for group in groups
        ]
        return "\n".join(rows)

    def _cell(self, measure: str, group: str) -> str:
        total = self._all.get((measure, group), 0)
        return f"{self._right[measure, group]}/{total}" if total else ""
