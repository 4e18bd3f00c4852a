"""The hub: exactly the matching rows, in order, or an exact count of what is missing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from logyard.errors import Backpressure, BadQuery, Closing
from logyard.stream.chunk import Chunk, Load, Missed
from logyard.stream.hub import Hub, Limits
from logyard.stream.subscription import Subscription
from logyard.telemetry import Telemetry
from tests.stream.parts import WordWatch, framed, messages, running


async def lines(subscription: Subscription, count: int) -> list[str]:
    """The next rows, at least ``count`` of them."""
    found: list[str] = []
    while len(found) < count:
        item = await asyncio.wait_for(subscription.take(), 60)
        assert isinstance(item, Chunk)
        found += messages(item)
    return found


@dataclass
class Reader:
    """A subscriber and the rows that it must get, in their order."""

    subscription: Subscription
    word: str
    expected: list[str] = field(default_factory=list)
    position: int = 0
    open: bool = True

    def saw(self, texts: Sequence[str]) -> None:
        self.expected += [text for text in texts if text.startswith(self.word)]

    async def read(self, items: int) -> None:
        """Take so many things from the queue, as far as there are any."""
        for _ in range(items):
            if not self.subscription.waiting:
                return
            item = await asyncio.wait_for(self.subscription.take(), 60)
            self.check(item)

    def check(self, item: Chunk | Missed | None) -> None:
        if isinstance(item, Missed):
            assert item.exact
            self.position += item.count
            return
        assert item is not None
        got = messages(item)
        assert got == self.expected[self.position : self.position + len(got)]
        self.position += len(got)


PUBLISH = st.tuples(st.just("publish"), st.lists(st.sampled_from(["a", "ab", "b"]), min_size=1, max_size=9))
JOIN = st.tuples(st.just("join"), st.sampled_from(["", "a", "b"]))
READ = st.tuples(st.just("read"), st.integers(0, 30))
LEAVE = st.tuples(st.just("leave"), st.integers(0, 5))
SETTLE = st.tuples(st.just("settle"), st.none())
PAUSE = st.tuples(st.just("pause"), st.none())


class Model:
    """Plays actions against a real hub and knows what each reader must see."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.readers: list[Reader] = []
        self.published = 0

    async def play(self, action: str, value: object) -> None:
        await getattr(self, action)(value)

    async def publish(self, words: list[str]) -> None:
        texts = [f"{word}{self.published + index}" for index, word in enumerate(words)]
        self.hub.publish(framed(self.published, texts))
        self.published += len(words)
        for reader in self.readers:
            if reader.open:
                reader.saw(texts)

    async def join(self, word: str) -> None:
        self.readers.append(Reader(self.hub.subscribe(WordWatch(word)), word))

    async def read(self, items: int) -> None:
        for index, reader in enumerate(self.readers):
            if reader.open:
                await reader.read(items % (index + 2))

    async def leave(self, index: int) -> None:
        if index < len(self.readers):
            self.readers[index].open = False
            self.readers[index].subscription.close()

    async def settle(self, _: object) -> None:
        await self.hub.settle()

    async def pause(self, _: object) -> None:
        await asyncio.sleep(0)


@given(st.lists(st.one_of(PUBLISH, PUBLISH, JOIN, READ, LEAVE, SETTLE, PAUSE), max_size=40))
def test_every_subscriber_gets_its_rows_in_order_or_an_exact_count(actions: list[tuple[str, object]]) -> None:
    async def play() -> None:
        async with running(Limits(buffer_rows=12, chunk_rows=5, load_rows=20)) as hub:
            model = Model(hub)
            for action, value in actions:
                await model.play(action, value)
            await hub.settle()
            hub.close()
            for reader in model.readers:
                while reader.open and (item := await reader.subscription.take()) is not None:
                    reader.check(item)
                assert not reader.open or reader.position == len(reader.expected)

    asyncio.run(play())


async def test_a_subscriber_sees_nothing_from_before_it_joined() -> None:
    async with running() as hub:
        early = hub.subscribe(WordWatch(""))
        hub.publish(framed(0, ["before"]))
        late = hub.subscribe(WordWatch(""))
        hub.publish(framed(1, ["after"]))
        assert await lines(early, 2) == ["before", "after"]
        assert await lines(late, 1) == ["after"]


async def test_a_hundred_who_ask_the_same_share_one_answer() -> None:
    async with running() as hub:
        watch = WordWatch("")
        subscriptions = [hub.subscribe(watch)] + [hub.subscribe(WordWatch("")) for _ in range(99)]
        hub.publish(framed(0, ["one", "two"]))
        chunks = [await each.take() for each in subscriptions]
        assert all(chunk is chunks[0] for chunk in chunks)
        assert watch.asked == 1


async def test_many_small_batches_are_decoded_together() -> None:
    async with running() as hub:
        watch = WordWatch("")
        subscription = hub.subscribe(watch)
        for index in range(500):
            hub.publish(framed(index, [str(index)]))
        assert await lines(subscription, 500) == [str(index) for index in range(500)]
        assert watch.asked <= 2


async def test_a_slow_reader_loses_its_oldest_and_is_told_first() -> None:
    async with running(Limits(buffer_rows=3)) as hub:
        slow = hub.subscribe(WordWatch(""))
        for index in range(10):
            hub.publish(framed(index, [str(index)]))
        await hub.settle()
        assert await slow.take() == Missed(count=7)
        assert await lines(slow, 3) == ["7", "8", "9"]


async def test_the_buffer_is_bounded_in_bytes_too() -> None:
    async with running(Limits(buffer_bytes=2100)) as hub:
        slow = hub.subscribe(WordWatch(""))
        for index in range(10):
            hub.publish(framed(index, [f"{index}" * 1000]))
        await hub.settle()
        assert await slow.take() == Missed(count=8)
        assert slow.waiting == 2


async def test_an_overload_is_told_at_its_place_as_an_upper_bound() -> None:
    telemetry = Telemetry()
    async with running(Limits(backlog_bytes=1), telemetry) as hub:
        subscription = hub.subscribe(WordWatch("a"))
        for first in range(0, 9, 3):
            hub.publish(framed(first, [f"a{first}", "b", "b"]))
        await hub.settle()
        hub.publish(framed(9, ["a9"]))
        assert await lines(subscription, 1) == ["a0"]
        assert await subscription.take() == Missed(count=6, exact=False)
        assert await lines(subscription, 1) == ["a9"]
    assert telemetry.value("logyard_live_rows_missed_total", reason="overload") == 6


async def test_tenants_do_not_see_each_other() -> None:
    async with running() as hub:
        ours, theirs = hub.subscribe(WordWatch("", tenant="us")), hub.subscribe(WordWatch("", tenant="them"))
        hub.publish(framed(0, ["them"], tenant="them"))
        hub.publish(framed(1, ["us"], tenant="us"))
        assert await lines(ours, 1) == ["us"]
        assert await lines(theirs, 1) == ["them"]


class FailingWatch(WordWatch):
    """Raises at the first row."""

    def __init__(self, error: Exception) -> None:
        super().__init__("failing")
        self.error = error

    def answer(self, load: Load) -> Chunk:
        raise self.error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        pytest.param(BadQuery("no such thing"), "no such thing", id="a query that cannot be answered"),
        pytest.param(ZeroDivisionError("oops"), "the live watch failed: oops", id="a bug"),
    ],
)
@pytest.mark.filterwarnings("ignore")
async def test_a_failing_watch_ends_its_own_subscriptions_only(error: Exception, words: str) -> None:
    async with running() as hub:
        failing, other = hub.subscribe(FailingWatch(error)), hub.subscribe(WordWatch(""))
        hub.publish(framed(0, ["one"]))
        assert await lines(other, 1) == ["one"]
        with pytest.raises(Exception, match=words):
            await failing.take()
        hub.publish(framed(1, ["two"]))
        assert await lines(other, 1) == ["two"]


async def test_rows_that_cannot_be_decoded_are_told_as_missed() -> None:
    async with running() as hub:
        subscription = hub.subscribe(WordWatch(""))
        broken = framed(0, ["one", "two"])
        body = broken.body
        assert isinstance(body, pl.DataFrame)
        hub.publish(msgspec.structs.replace(broken, body=body.drop("message")))
        await hub.settle()
        hub.publish(framed(2, ["three"]))
        assert await subscription.take() == Missed(count=2, exact=False)
        assert await lines(subscription, 1) == ["three"]


async def test_subscribers_are_limited_and_our_own_parts_are_not() -> None:
    async with running(Limits(max_subscribers=1)) as hub:
        first = hub.subscribe(WordWatch(""))
        with pytest.raises(Backpressure, match=r"tail\.max_subscribers"):
            hub.subscribe(WordWatch(""))
        assert hub.subscribe(WordWatch(""), limited=False).open
        first.close()
        assert hub.subscribers == 1


async def test_closing_hands_out_what_is_queued_and_then_ends() -> None:
    async with running() as hub:
        subscription = hub.subscribe(WordWatch(""))
        hub.publish(framed(0, ["last words"]))
        await hub.settle()
        hub.close()
        assert await lines(subscription, 1) == ["last words"]
        assert await subscription.take() is None
        with pytest.raises(Closing):
            hub.subscribe(WordWatch(""))


async def test_our_own_parts_hear_on_after_closing() -> None:
    async with running() as hub:
        own = hub.subscribe(WordWatch(""), limited=False)
        hub.close()
        hub.publish(framed(0, ["accepted while stopping"]))
        assert await lines(own, 1) == ["accepted while stopping"]
    assert await own.take() is None


async def test_a_cancelled_take_loses_nothing() -> None:
    async with running() as hub:
        subscription = hub.subscribe(WordWatch(""))
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(subscription.take(), 0.01)
        hub.publish(framed(0, ["one"]))
        assert await lines(subscription, 1) == ["one"]


async def test_nobody_listening_nothing_is_kept() -> None:
    telemetry = Telemetry()
    async with running(telemetry=telemetry) as hub:
        hub.publish(framed(0, ["one"]))
        assert telemetry.value("logyard_live_backlog_bytes") == 0
