"""Programs that tests run as processes of their own: ``python -m tests.handler.programs NAME URL ...``."""

import gc
import logging
import multiprocessing
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Sequence

import urllib3

from logyard.handler import LogyardHandler

MANY = 5000


def attached(url: str, **options: object) -> logging.Logger:
    settings: dict[str, object] = {"service": "program", "flush_seconds": 3600, "exit_seconds": 60}
    logging.basicConfig(level="DEBUG", handlers=[LogyardHandler(url, **(settings | options))])  # type: ignore[arg-type]
    return logging.getLogger("program")


def full_queue(url: str) -> None:
    """Ends with all in the queue."""
    logger = attached(url)
    for number in range(MANY):
        logger.info("record %d", number)


def crashing(url: str) -> None:
    attached(url).info("before")
    raise SystemExit(3)


def terminated(url: str) -> None:
    """Logs, says so, and waits for SIGTERM."""
    logger = attached(url)
    for number in range(100):
        logger.info("record %d", number)
    print("ready", flush=True)
    signal.pause()


def own_handler(url: str) -> None:
    """Has a handler of its own for SIGTERM, which is left alone."""

    def leave(*_: object) -> None:
        logging.getLogger("program").info("leaving")
        raise SystemExit(7)

    signal.signal(signal.SIGTERM, leave)
    attached(url)
    print("ready", flush=True)
    signal.pause()


def signalled(url: str) -> None:
    """A signal handler that logs, while the program logs: nothing may stand still."""
    logger = attached(url)
    signal.signal(signal.SIGALRM, lambda *_: logger.info("alarm"))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    for number in range(MANY):
        logger.info("record %d", number)
    signal.setitimer(signal.ITIMER_REAL, 0)


def forked(url: str) -> None:
    """Forks with records in the queue; parent and child log on."""
    logger = attached(url)
    logger.info("before the fork")
    child = os.fork()
    if child == 0:
        logger.info("in the child")
        logging.shutdown()
        os._exit(0)
    logger.info("in the parent")
    os.waitpid(child, 0)


def forked_from_many_threads(url: str) -> None:
    """Forks again and again while other threads log."""
    logger, stop = attached(url), threading.Event()

    def talk(name: int) -> None:
        number = 0
        while not stop.is_set():
            logger.info("thread %d record %d", name, number)
            number += 1
            stop.wait(0.002)  # the test's server is no fast one

    threads = [threading.Thread(target=talk, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    for number in range(20):
        child = os.fork()
        if child == 0:
            logger.info("child %d", number)
            logging.shutdown()
            os._exit(0)
        os.waitpid(child, 0)
    stop.set()
    for thread in threads:
        thread.join()


def _work(number: int) -> None:
    logging.getLogger("program").info("job %d", number)


def pooled(url: str) -> None:
    """Multiprocessing by fork: children leave without atexit."""
    attached(url)
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_work, args=(number,)) for number in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


def urllib3_debug(url: str) -> None:
    """Everything at DEBUG, and a real urllib3 at work besides."""
    logger = attached(url, flush_seconds=0.01)
    pool = urllib3.PoolManager()
    for number in range(3):
        pool.request(
            "POST", f"{url}/ingest", body=b'{"message":"by urllib3"}', headers={"Idempotency-Key": str(number)}
        )
        logger.info("done %d", number)


def killed(url: str, spool: str) -> None:
    """The server is away, the spool is used, and the process never ends by itself."""
    logger = attached(url, spool=spool, flush_seconds=0.01, max_records=100, dropping="spill", block_seconds=60)
    for number in range(1000):
        logger.info("record %d", number)
    print("ready", flush=True)
    signal.pause()


def given_up(url: str) -> None:
    """A handler that nobody holds any more sends what it has and lets its thread go."""
    handler = LogyardHandler(url, flush_seconds=3600)
    logger = logging.Logger("given up")  # noqa: LOG001 - no other listens to it, pytest neither
    logger.addHandler(handler)
    logger.info("last words")
    gone = weakref.ref(handler)
    thread = next(each for each in threading.enumerate() if each.name == "logyard-handler")
    del handler, logger
    gc.collect()
    thread.join(60)
    print(gone() is None and not thread.is_alive())


def many(url: str, name: str, count: str) -> None:
    """One of several at once."""
    logger = attached(url, service=f"process-{name}", flush_seconds=0.2, dropping="block", block_seconds=60)
    for number in range(int(count)):
        logger.info("record %s-%d", name, number)


PROGRAMS: Sequence[Callable[..., None]] = (
    full_queue, crashing, terminated, own_handler, signalled, forked, forked_from_many_threads, pooled, urllib3_debug,
    killed, given_up, many,
)  # fmt: skip

if __name__ == "__main__":
    {program.__name__: program for program in PROGRAMS}[sys.argv[1]](*sys.argv[2:])
