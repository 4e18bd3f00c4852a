"""The follower against a model: writers and rotators do what they like, it starts and dies when it likes; in the end
every line that could be read has been read exactly once.
"""

import gzip
import os
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.receivers.files.conftest import Tailing

EXAMPLES = int(os.environ.get("TAIL_EXAMPLES", "300"))


class Rotation(RuleBasedStateMachine):
    """Two logs, each with a writer that keeps its descriptor until it is told of the rotation."""

    tmp: Path

    @initialize(block=st.sampled_from([64, 300, 1 << 20]), wide=st.booleans(), few=st.booleans())
    def begin(self, block: int, *, wide: bool, few: bool = False) -> None:
        """``few``: descriptors are not kept open, so inode numbers may be used anew at any moment."""
        self.home = Path(tempfile.mkdtemp(prefix="logyard-tail-model-")).resolve()
        (self.home / "logs").mkdir()
        self.wide = wide
        self.written: list[str] = []
        self.partial: dict[str, str] = {"a": "", "b": ""}
        self.files = {name: (self.home / "logs" / f"{name}.log").open("ab", buffering=0) for name in "ab"}
        self.tail = Tailing(
            self.home / "logs",
            self.home / "state",
            include=[f"{self.home}/logs/*.log*" if wide else f"{self.home}/logs/*.log"],
            block_bytes=block,
            rotate_wait=5.0,
            open_files=1 if few else 512,
        )

    @rule(name=st.sampled_from("ab"), count=st.integers(1, 12), width=st.sampled_from([0, 3, 40, 200]))
    def write(self, name: str, count: int, width: int) -> None:
        for _ in range(count):
            number = len(self.written)
            line = f"{name}{number}:" + "x" * width
            text, self.partial[name] = self.partial[name] + line, ""
            self.written.append(text)
            self.files[name].write(line.encode() + b"\n")

    @rule(name=st.sampled_from("ab"))
    def write_part(self, name: str) -> None:
        part = f"{name}p{len(self.written)}-{len(self.partial[name])};"
        self.partial[name] += part
        self.files[name].write(part.encode())

    @rule()
    def round(self) -> None:
        self.tail.clock.advance(0.2)
        self.tail.round()

    @rule()
    def look(self) -> None:
        self.tail.clock.advance(1.0)
        self.tail.follower.look()

    @rule()
    def crash(self) -> None:
        self.tail.crash()
        self.tail.start()

    @rule()
    def save(self) -> None:
        self.tail.save()

    @rule()
    def stop_and_start(self) -> None:
        self.tail.restart()

    @rule(name=st.sampled_from("ab"), reopen_late=st.booleans(), late=st.integers(0, 3))
    def rename(self, name: str, *, reopen_late: bool, late: int) -> None:
        if self.partial[name]:
            self.write(name, 1, 0)
        self._noticed()
        self._shift(name)
        path = self.home / "logs" / f"{name}.log"
        path.rename(f"{path}.1")
        if reopen_late:
            self.write(name, late + 1, 0)
        self._reopen(name)

    @rule(name=st.sampled_from("ab"), looked=st.booleans())
    def copytruncate(self, name: str, *, looked: bool) -> None:
        if self.partial[name]:
            self.write(name, 1, 0)
        self._noticed()
        self._shift(name)
        path = self.home / "logs" / f"{name}.log"
        shutil.copyfile(path, f"{path}.1")
        if looked:
            self.tail.follower.look()
            self.tail.round()
        os.truncate(path, 0)

    @rule(name=st.sampled_from("ab"), looked=st.booleans())
    def compress(self, name: str, *, looked: bool) -> None:
        self._compress(self.home / "logs" / f"{name}.log.1", looked=looked)

    def _compress(self, path: Path, *, looked: bool) -> None:
        if not path.exists():
            return
        self._noticed()
        packed = Path(f"{path}.gz")
        packed.unlink(missing_ok=True)
        with path.open("rb") as source, gzip.open(packed, "wb") as target:
            shutil.copyfileobj(source, target)
        if looked:
            self.tail.follower.look()
            self.tail.round()
        path.unlink()

    @rule(name=st.sampled_from("ab"), number=st.integers(1, 3), looked=st.booleans())
    def compress_older(self, name: str, number: int, *, looked: bool) -> None:
        """As with delaycompress."""
        self._compress(self.home / "logs" / f"{name}.log.{number}", looked=looked)

    @rule(name=st.sampled_from("ab"), looked=st.booleans(), late=st.integers(0, 3))
    def copy_slowly(self, name: str, *, looked: bool, late: int) -> None:
        """A copy is met while half of it is there; its original is written to after that, and read, and then cut."""
        if self.partial[name]:
            self.write(name, 1, 0)
        self._noticed()
        self._shift(name)
        path = self.home / "logs" / f"{name}.log"
        content = path.read_bytes()
        with Path(f"{path}.1").open("wb", buffering=0) as copy:
            copy.write(content[: len(content) // 2])
            self.tail.follower.look()
            self.tail.round()
            copy.write(content[len(content) // 2 :])
        if looked:
            self.tail.follower.look()
        self.write(name, late, 3)
        # What is written after the copy can be read nowhere else: it is read before it is cut.
        self.tail.run()
        os.truncate(path, 0)

    def _noticed(self) -> None:
        """A file that is out of the patterns before anybody has seen it cannot be found: it is seen first."""
        if not self.wide:
            self.tail.follower.look()
            self.tail.save()

    def _shift(self, name: str) -> None:
        """The generations move on; nothing is ever deleted: what is gone unread nobody can read."""
        logs = self.home / "logs"
        for number in range(30, 0, -1):
            for ending in ("", ".gz"):
                path = logs / f"{name}.log.{number}{ending}"
                if path.exists():
                    path.rename(logs / f"{name}.log.{number + 1}{ending}")

    def _reopen(self, name: str) -> None:
        self.files[name].close()
        self.files[name] = (self.home / "logs" / f"{name}.log").open("ab", buffering=0)

    @invariant()
    def nothing_twice(self) -> None:
        if hasattr(self, "tail"):
            assert len(set(self.tail.lines)) == len(self.tail.lines), sorted(
                line for line in self.tail.lines if self.tail.lines.count(line) > 1
            )
            assert set(self.tail.lines) <= set(self.written)

    def teardown(self) -> None:
        if not hasattr(self, "tail"):
            return
        try:
            for name in "ab":
                if self.partial[name]:
                    self.write(name, 1, 0)
            for _ in range(4):
                self.tail.run(seconds=2.0)
            missing = [line for line in self.written if line not in set(self.tail.lines)]
            assert not missing, missing
            self.nothing_twice()
            for name in "ab":
                mine = [line for line in self.tail.lines if line.split(":")[0].startswith(name)]
                assert len(mine) == len([line for line in self.written if line.startswith(name)])
        finally:
            for file in self.files.values():
                file.close()
            self.tail.follower.close()
            shutil.rmtree(self.home)


TestRotation = Rotation.TestCase
TestRotation.settings = settings(
    max_examples=EXAMPLES,
    stateful_step_count=25,
    deadline=None,
    derandomize="TAIL_EXAMPLES" not in os.environ,
    database=None,
    report_multiple_bugs=False,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
