"""The laws of `Wakeups`. Waits here are long; they end with what is waited for."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from weft.storage.ports import Storage

LONG_SECONDS = 30.0


def test_what_is_said_after_listening_began_is_heard(storage: Storage) -> None:
    listener = storage.wakeups.listen("queue", "runs")
    storage.wakeups.notify("queue")
    assert "queue" in listener.wait(LONG_SECONDS)
    listener.close()


def test_a_wait_that_is_going_on_ends_with_what_is_heard(storage: Storage) -> None:
    listener = storage.wakeups.listen("queue")
    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(listener.wait, LONG_SECONDS)
        storage.wakeups.notify("queue")
        assert heard.result() == {"queue"}
    listener.close()


def test_everybody_who_listens_hears_it(storage: Storage) -> None:
    listeners = [storage.wakeups.listen("queue") for _ in range(3)]
    storage.wakeups.notify("queue")
    assert [listener.wait(LONG_SECONDS) for listener in listeners] == [{"queue"}] * 3
    for listener in listeners:
        listener.close()


def test_topics_that_nobody_listens_to_wake_nobody(storage: Storage) -> None:
    listener = storage.wakeups.listen("queue")
    storage.wakeups.notify("runs")
    assert listener.wait(0) == frozenset()
    storage.wakeups.notify("queue")
    assert listener.wait(LONG_SECONDS) == {"queue"}
    listener.close()


def test_a_wait_ends_without_anything_after_its_timeout(storage: Storage) -> None:
    listener = storage.wakeups.listen("queue")
    assert listener.wait(0) == frozenset()
    assert listener.wait(0.01) == frozenset()
    listener.close()


def test_many_notifications_are_one_and_none_is_forgotten(storage: Storage) -> None:
    listener = storage.wakeups.listen("a", "b")
    for _ in range(2000):  # more than any queue holds
        storage.wakeups.notify("a")
    storage.wakeups.notify("b")
    heard: frozenset[str] = frozenset()
    while heard != {"a", "b"}:
        more = listener.wait(LONG_SECONDS)
        assert more, "a topic was lost"
        heard |= more
    listener.close()


def test_closing_ends_a_wait(storage: Storage) -> None:
    listener = storage.wakeups.listen("queue")
    started = threading.Event()

    def wait() -> frozenset[str]:
        started.set()
        return listener.wait(LONG_SECONDS)

    with ThreadPoolExecutor(1) as pool:
        heard = pool.submit(wait)
        started.wait()
        listener.close()
        assert heard.result() == frozenset()
    listener.close()
    storage.wakeups.notify("queue")
    assert listener.wait(0) == frozenset()


def test_nobody_has_to_listen(storage: Storage) -> None:
    storage.wakeups.notify("queue")
    storage.wakeups.notify("with 'quotes' and\nlines")
