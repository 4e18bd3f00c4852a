"""A set of whole numbers that holds millions of neighbours in the space of one pair."""

from bisect import bisect_right

__all__ = ["Intervals"]


class Intervals:
    """Numbers as runs ``[start, end)``: as many pairs as there are gaps, and one more. One thread."""

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        self.count = 0
        """How many numbers are in it."""

    @property
    def highest(self) -> int:
        """The greatest number in it; 0 when there is none."""
        return self._ends[-1] - 1 if self._ends else 0

    @property
    def runs(self) -> int:
        """How many pairs it takes."""
        return len(self._starts)

    def add(self, number: int) -> bool:
        """Put a number in. False when it was in already."""
        starts, ends = self._starts, self._ends
        if ends and ends[-1] == number:  # the usual case
            ends[-1] = number + 1
            self.count += 1
            return True
        place = bisect_right(starts, number)
        if place and number < ends[place - 1]:
            return False
        self.count += 1
        joins_left = place > 0 and ends[place - 1] == number
        joins_right = place < len(starts) and starts[place] == number + 1
        if joins_left and joins_right:
            ends[place - 1] = ends.pop(place)
            del starts[place]
        elif joins_left:
            ends[place - 1] = number + 1
        elif joins_right:
            starts[place] = number
        else:
            starts.insert(place, number)
            ends.insert(place, number + 1)
        return True
