"""Reading in rounds: each file that has something gets its turn, a block at a time; then whoever waited longest."""

from collections.abc import Iterator
from typing import Final, NamedTuple

import polars as pl

from logyard.model.batch import Encoded
from logyard.model.reading import DEFAULT_READING, Reading
from logyard.receivers.tailing.checkpoints import Checkpoints
from logyard.receivers.tailing.content import Unfinished
from logyard.receivers.tailing.events import BytesRead, FileTrouble, FormatUnknown, LongLinesMet, ParseErrors
from logyard.receivers.tailing.followed import Block, ChangedUnderneath, Followed
from logyard.receivers.tailing.known import Known
from logyard.receivers.tailing.options import TailOptions
from logyard.receivers.tailing.table import Parts, Table

__all__ = ["Delivery", "Rounds"]

_RETRY_SECONDS: Final = 1.0


class Delivery(NamedTuple):
    """What is to be handed in for one file, and what is known of files after it."""

    file: Followed
    body: Encoded | pl.DataFrame | None
    """None when there is nothing to hand in, and reading goes on all the same."""
    after: tuple[Known, ...]
    """The file; and the one before it, where that had something left."""
    bytes: int = 0
    changes: tuple[Known, ...] = ()
    """What else has become of files until now."""
    unknown: int = 0
    errors: int = 0
    """See ``assemble.Taken``."""

    @property
    def mark(self) -> str:
        """What travels with the batch."""
        return Checkpoints.mark((*self.changes, *self.after))

    @property
    def rows(self) -> int:
        """Records in it."""
        if self.body is None:
            return 0
        return self.body.rows if isinstance(self.body, Encoded) else self.body.height


class Rounds:
    """Reads the files of a table."""

    def __init__(self, table: Table, parts: Parts) -> None:
        self._table = table
        self._parts = parts
        self._turns: dict[int, int] = {}
        self._round = 0

    def gather(self, options: TailOptions, *, final: bool) -> list[Delivery]:
        """What there is to hand in; of one file in order. Files are busy until their deliveries are done or failed.

        ``final``: what has no end yet is taken as it is.
        """
        self._round += 1
        deliveries: list[Delivery] = []
        size = files = 0
        for file in self._ready(options, final=final):
            if size >= options.round_bytes or files >= options.open_files:
                break
            self._turns[file.known.serial] = self._round
            was_open = file.content is not None
            for delivery in self._read(file, options, final=final):
                deliveries.append(delivery)
                file.busy += 1
                size += delivery.bytes
            if file.busy:
                files += 1
            elif not was_open and file.is_home:
                file.close()  # of ten thousand that are looked into few have something
        changes = self._table.changes() if deliveries else ()
        # Files are handed in side by side: whichever is durable first must carry what has become of all of them.
        return [delivery._replace(changes=changes) for delivery in deliveries]

    def done(self, delivery: Delivery) -> None:
        """It is durable: reading goes on behind it."""
        delivery.file.busy -= 1
        for known in delivery.after:
            other = self._table.files.get(known.serial)
            if other is not None:
                self._table.advance(other, known)
        if delivery.rows:
            self._parts.emit(BytesRead(count=delivery.rows, bytes=delivery.bytes))
        if delivery.unknown:
            delivery.file.tally.unknown += delivery.unknown
            self._parts.emit(FormatUnknown(count=delivery.unknown))
        if delivery.errors:
            delivery.file.tally.errors += delivery.errors
            self._parts.emit(ParseErrors(count=delivery.errors))

    def failed(self, delivery: Delivery, seconds: float) -> None:
        """It was not taken: the same is read again, not before ``seconds``."""
        file = delivery.file
        file.busy -= 1
        file.is_ready = True
        file.retry_at = self._parts.clock.monotonic() + seconds
        for known in delivery.changes:
            self._table.unmarked.setdefault(known.serial, known)

    def _ready(self, options: TailOptions, *, final: bool) -> list[Followed]:
        now = self._parts.clock.monotonic()

        def has_turn(file: Followed) -> bool:
            if file.busy or file.retry_at > now or file.known.finished or file.is_doubtful:
                return False
            return final or file.is_ready or self._is_due(file, options, now)

        files = [file for file in self._table.files.values() if has_turn(file)]
        return sorted(files, key=lambda file: (file.before is not None, self._turns.get(file.known.serial, 0)))

    def _is_due(self, file: Followed, options: TailOptions, now: float) -> bool:
        """What waits for its end has waited long enough."""
        is_read = file.known.offset >= file.known.size or file.has_given_up_at == file.known.size
        if is_read and not file.holds_lines:
            return False
        return bool(self._patience(file, options)) and now - file.changed_at >= self._patience(file, options)

    def _patience(self, file: Followed, options: TailOptions) -> float:
        """Seconds that an end is waited for; 0: as long as it takes."""
        if not file.is_home:
            return options.rotate_wait
        return options.hold_seconds if file.holds_lines else options.flush_idle

    def _read(self, file: Followed, options: TailOptions, *, final: bool) -> Iterator[Delivery]:
        before = file.before
        if before is not None and before.known.serial in self._table.files and before.comes_first:
            return
        try:
            yield from self._deliveries(file, options, final=final)
            file.trouble = ""
        except ChangedUnderneath:
            file.is_doubtful = True
        except Unfinished as error:
            file.is_ready = False  # until it grows
            self._note(file, str(error))
        except OSError as error:
            file.close()
            file.retry_at = self._parts.clock.monotonic() + _RETRY_SECONDS
            self._note(file, error.strerror or str(error))
        finally:
            file.forget_read()
            if before is not None:
                before.forget_read()

    def _note(self, file: Followed, reason: str) -> None:
        if file.trouble != reason:
            self._parts.emit(FileTrouble(reason=reason.partition(":")[0]))
        file.trouble = reason

    def _deliveries(self, file: Followed, options: TailOptions, *, final: bool) -> Iterator[Delivery]:
        last = final or self._is_due(file, options, self._parts.clock.monotonic())
        blocks = file.read(options)
        if not blocks:
            file.is_ready = False
            remainder = file.remainder(options) if last or file.is_packed else None
            blocks = [] if remainder is None else [remainder]
            if not blocks and file.is_packed:
                self._table.seal(file)
        elif last and file.at_end and (final or file.is_packed or not file.is_home):
            blocks = _with_remainder(blocks, file.remainder(options, blocks[-1].end))
        if last and not blocks:
            file.has_given_up_at = file.known.size
        for number, block in enumerate(blocks, 1):
            # What goes on behind a block that is not the last of a read is no line that could be joined to it.
            ends = (last and file.at_end) or number < len(blocks)
            delivery, whole = self._delivery(file, block, options, final=ends)
            if delivery is not None:
                yield delivery
            if not whole:
                file.is_ready = not file.at_end
                return

    def _delivery(
        self, file: Followed, block: Block, options: TailOptions, *, final: bool
    ) -> tuple[Delivery | None, bool]:
        """What a block becomes, and whether all of it has been taken."""
        self._count(block, options)
        version = self._table.version()
        if not block.lines:
            after = file.after(block.end, version=version, skipping=block.skipping)
            return Delivery(file, None, (after,)), True
        before, carried = self._carried(file, options)
        lines = carried + block.lines
        reading = _reading(file, options, truncated=block.truncated)
        taken = file.assembler.take(lines, reading, final=final)
        if not taken.used and not file.at_end:
            taken = file.assembler.take(lines, reading, final=True)  # it would be the same the next time
        mine = taken.used - len(carried)
        whole = mine >= len(block.lines)
        file.holds_lines = not whole
        if not taken.used:
            return None, False
        end = block.end if whole else block.place_of(max(0, mine))
        afters = [file.after(end, version=version, skipping=block.skipping and whole, learnt=taken.learnt)]
        if before is not None:
            moved = before.known.offset + min(taken.used, len(carried))
            afters.append(before.after(moved, version=self._table.version(), skipping=False))
            file.before = None if mine >= 0 else before
        delivery = Delivery(file, taken.body, tuple(afters), taken.used)
        return delivery._replace(unknown=taken.unknown, errors=taken.errors), whole

    def _carried(self, file: Followed, options: TailOptions) -> tuple[Followed | None, bytes]:
        """Whole lines that the file before left, because they go on in this one."""
        before = file.before
        if before is None or before.known.serial not in self._table.files or not before.holds_lines:
            file.before = None
            return None, b""
        return before, b"".join(block.lines for block in before.read(options))

    def _count(self, block: Block, options: TailOptions) -> None:
        if block.long_lines or block.left_out:
            self._parts.emit(LongLinesMet(policy=options.long_lines, count=block.long_lines, bytes=block.left_out))


def _with_remainder(blocks: list[Block], rest: Block | None) -> list[Block]:
    """With the line that has no end: it may belong to what is before it."""
    last = blocks[-1]
    if rest is None or not rest.lines or last.skipping or not last.lines:
        return blocks
    return [*blocks[:-1], last._replace(lines=last.lines + rest.lines, end=rest.end)]


def _reading(file: Followed, options: TailOptions, *, truncated: bool) -> Reading:
    name = file.known.source.rpartition("/")[2]
    constants = {"service": name.partition(".")[0] or name, **options.constants, "source": file.known.source}
    if truncated:
        constants["truncated"] = "true"
    return DEFAULT_READING.given(constants)
