"""What the model test has found: the shortest sequences that lost a line, or read one twice. Each is run as the model
runs it; those in which an inode number is used anew are asked of the decision itself (``test_decisions.py``), for not
every file system gives numbers out again at once.
"""

from collections.abc import Callable, Sequence

import pytest

from tests.receivers.files.test_model import Rotation

Step = Callable[[Rotation], object]

SEQUENCES = [
    pytest.param(
        [
            lambda model: model.write_part("a"),
            lambda model: model.look(),
            lambda model: model.stop_and_start(),
            lambda model: model.copytruncate("a", looked=False),
            lambda model: model.rename("a", reopen_late=True, late=1),
        ],
        id="cut and refilled and renamed while nobody looked: it is no copy of itself",
    ),
    pytest.param(
        [
            lambda model: model.write_part("a"),
            lambda model: model.copytruncate("a", looked=True),
            lambda model: model.crash(),
            lambda model: model.write_part("a"),
            lambda model: model.rename("a", reopen_late=False, late=0),
        ],
        id="after a crash refilled to the same length and renamed: it is no copy of itself",
    ),
    pytest.param(
        [
            lambda model: model.rename("a", reopen_late=True, late=2),
            lambda model: model.compress("a", looked=True),
            lambda model: model.crash(),
            lambda model: model.write_part("a"),
            lambda model: model.copytruncate("a", looked=True),
        ],
        id="after a crash a copy has the inode number of a file that is gone, and its name",
    ),
    pytest.param(
        [
            lambda model: model.write_part("a"),
            lambda model: model.copytruncate("a", looked=True),
            lambda model: model.rename("a", reopen_late=True, late=0),
            lambda model: model.compress("a", looked=True),
        ],
        id="cut, refilled, renamed and compressed between two looks",
    ),
    pytest.param(
        [
            lambda model: model.rename("a", reopen_late=True, late=0),
            lambda model: model.rename("b", reopen_late=True, late=0),
            lambda model: model.compress("b", looked=True),
            lambda model: model.crash(),
            lambda model: model.compress("a", looked=False),
            lambda model: model.rename("a", reopen_late=False, late=0),
        ],
        id="after a crash two files have each other's inode numbers",
    ),
    pytest.param(
        [
            lambda model: model.copytruncate("a", looked=True),
            lambda model: model.write("a", 1, 0),
            lambda model: model.write("a", 1, 200),
            lambda model: model.copytruncate("a", looked=True),
            lambda model: model.rename("a", reopen_late=False, late=0),
            lambda model: model.round(),
        ],
        id="cut and renamed, and read before a look",
    ),
    pytest.param(
        [
            lambda model: model.look(),
            lambda model: model.write("b", 1, 0),
            lambda model: model.rename("b", reopen_late=False, late=0),
            lambda model: model.compress("b", looked=True),
        ],
        id="empty when it was seen, then written, renamed and compressed between two looks",
    ),
    pytest.param(
        [
            lambda model: model.write("b", 1, 3),
            lambda model: model.look(),
            lambda model: model.round(),
            lambda model: model.copytruncate("b", looked=True),
            lambda model: model.write("b", 18, 3),
            lambda model: model.compress("b", looked=False),
            lambda model: model.copytruncate("b", looked=False),
            lambda model: model.round(),
        ],
        id="a second copy has the inode number of the first, which was compressed between two looks",
    ),
    pytest.param(
        [
            lambda model: model.write_part("a"),
            lambda model: model.look(),
            lambda model: model.copytruncate("a", looked=True),
            lambda model: model.crash(),
            lambda model: model.compress("a", looked=False),
            lambda model: model.rename("a", reopen_late=False, late=0),
            lambda model: model.write("a", 1, 0),
        ],
        id="seen, copied, cut and compressed before anything was read, with a crash amid that",
    ),
    pytest.param(
        [
            lambda model: model.look(),
            lambda model: model.save(),
            lambda model: model.write("b", 1, 0),
            lambda model: model.write("a", 6, 40),
            lambda model: model.copytruncate("a", looked=True),
            lambda model: model.crash(),
            lambda model: model.look(),
        ],
        id="a crash forgets what was copied, and must forget that there was a copy",
    ),
    pytest.param(
        [
            lambda model: model.write("a", 2, 3),
            lambda model: model.look(),
            lambda model: model.rename("a", reopen_late=True, late=1),
            lambda model: model.write("a", 12, 40),
            lambda model: model.look(),
            lambda model: model.round(),
            lambda model: model.crash(),
            lambda model: model.look(),
            lambda model: model.compress_older("a", 1, looked=False),
            lambda model: model.copy_slowly("a", looked=True, late=1),
        ],
        id="half a copy has the inode number and the name of what was compressed",
    ),
    pytest.param(
        [
            lambda model: model.write("a", 11, 3),
            lambda model: model.look(),
            lambda model: model.round(),
            lambda model: model.copytruncate("a", looked=False),
            lambda model: model.write("a", 12, 40),
            lambda model: model.copytruncate("a", looked=True),
        ],
        id="cut and refilled unnoticed, and then copied",
    ),
    pytest.param(
        [
            lambda model: model.write("a", 8, 3),
            lambda model: model.look(),
            lambda model: model.round(),
            lambda model: model.save(),
            lambda model: model.rename("a", reopen_late=False, late=0),
            lambda model: model.compress("a", looked=True),
            lambda model: model.write("a", 1, 3),
            lambda model: model.stop_and_start(),
            lambda model: model.rename("a", reopen_late=False, late=0),
        ],
        id="a compressed file that has been read holds nobody up after a restart",
    ),
    pytest.param(
        [
            lambda model: model.rename("a", reopen_late=True, late=1),
            lambda model: model.write("a", 2, 40),
            lambda model: model.look(),
            lambda model: model.round(),
            lambda model: model.stop_and_start(),
            lambda model: model.compress("a", looked=True),
            lambda model: model.copytruncate("a", looked=True),
        ],
        id="a copy has the number and the name of a file whose descriptor nobody held",
    ),
    pytest.param(
        [
            lambda model: model.look(),
            lambda model: model.copytruncate("a", looked=True),
            lambda model: model.stop_and_start(),
            lambda model: model.look(),
            lambda model: model.write("a", 7, 3),
            lambda model: model.look(),
            lambda model: model.round(),
            lambda model: model.compress("a", looked=True),
            lambda model: model.copytruncate("a", looked=True),
        ],
        id="a copy has the number and the name of a file that was empty",
    ),
]


@pytest.mark.parametrize("steps", SEQUENCES)
def test_a_sequence_that_the_model_found(steps: Sequence[Step]) -> None:
    model = Rotation()
    model.begin(block=64, wide=True)
    try:
        for step in steps:
            step(model)
            model.nothing_twice()
    finally:
        model.teardown()
