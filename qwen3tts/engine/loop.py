"""The engine on a thread of its own: others send it messages, and get chunks."""

from __future__ import annotations

import logging
import math
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue

import torch

from qwen3tts.engine.engine import Engine
from qwen3tts.engine.utterance import Utterance
from qwen3tts.errors import UnavailableError
from qwen3tts.types import EngineLoad

Message = Callable[[Engine], None]
"""What the engine's thread does before its next step."""

log = logging.getLogger("qwen3tts")


@dataclass
class Health:
    """How the loop fares. arriving: utterances in messages that are not read yet. failures: steps that failed, since the last that
    did not."""

    arriving: int = 0
    failures: int = 0


class EngineLoop:
    """Runs an engine from its first message until `close`, or until nobody holds this object any more. Thread-safe.

    on_frame: called on the engine's thread with the seconds of each step that had something to do; they return at once.
    """

    def __init__(self, engine: Engine) -> None:
        self.on_frame: list[Callable[[float], None]] = []
        self._engine, self._inbox, self._health = engine, SimpleQueue[Message | None](), Health()
        self._lock, self._closed = threading.Lock(), False
        run = partial(_run, engine, self._inbox, self._health, self.on_frame)
        self._thread = threading.Thread(target=run, name="qwen3tts-engine", daemon=True)
        # The thread does not hold this object, so that dropping it ends the thread. So does the interpreter's end, where torch must
        # not be in the middle of a step.
        self._finalizer = weakref.finalize(self, _stop, self._thread, self._inbox)

    @property
    def positions(self) -> int:
        """Of the whole KV cache."""
        return self._engine.scheduler.pages.positions

    def submit(self, utterances: Sequence[Utterance]) -> None:
        """Put utterances in the line, all or none. For one whose text has begun there always is room.

        Raises CapacityError for one that could never run, BusyError where the line is full, UnavailableError after `close`.
        """
        scheduler = self._engine.scheduler
        for utterance in utterances:
            scheduler.check(utterance)
        with self._lock:
            if self._closed:
                raise UnavailableError("the model is closed: load it again")
            if not all(utterance.begun for utterance in utterances):
                scheduler.check_room(self._health.arriving + len(utterances))
            self._health.arriving += len(utterances)
            if self._thread.ident is None:
                self._thread.start()
            # Before the end that `close` sends, or nobody would ever be told.
            self._inbox.put(partial(_receive, utterances=list(utterances), health=self._health, lock=self._lock))

    def cancel(self, utterance: Utterance) -> None:
        """Forget an utterance before the next step. Takes no lock: the garbage collector may call it at any time."""
        self._inbox.put(partial(Engine.cancel, utterance=utterance))

    def extend(self, utterance: Utterance, text_ids: tuple[int, ...], ends: bool) -> None:
        """`Engine.extend`, before the next step."""
        self._inbox.put(partial(Engine.extend, utterance=utterance, text_ids=text_ids, ends=ends))

    def load(self) -> EngineLoad:
        """How much there is to do; numbers of one moment, give or take a step."""
        scheduler, health = self._engine.scheduler, self._health
        free = len(scheduler.pages.free)
        waiting = len(scheduler.waiting) + health.arriving
        return EngineLoad(waiting, len(scheduler.running), scheduler.pages.total - 1 - free, free, health.failures)

    def close(self) -> None:
        """Cancel what is not spoken, and end the thread."""
        with self._lock:
            self._closed = True
        self._finalizer()


def _run(engine: Engine, inbox: SimpleQueue[Message | None], health: Health, on_frame: Sequence[Callable[[float], None]]) -> None:
    """Read messages, step; wait for the next message or limit when there is nothing to do."""
    device = engine.codec.state.device
    if device.type == "cuda":
        torch.cuda.set_device(device)
    wait = math.inf
    while True:
        try:
            for message in _take(inbox, wait):
                if message is None:
                    engine.fail(UnavailableError("the model was closed"))
                    return
                message(engine)
            started = time.perf_counter()
            busy = engine.step()
            if busy:
                health.failures = 0
                for observe in on_frame:
                    observe(time.perf_counter() - started)
            wait = 0.0 if busy else max(0.0, engine.scheduler.next_expiry - engine.now())
        except BaseException:
            # Whoever was in the step, or whose text was added, has been told.
            log.exception("the engine failed, and what it was speaking with it")
            health.failures += 1
            wait = 0.0


def _take(inbox: SimpleQueue[Message | None], wait: float) -> Iterator[Message | None]:
    """The messages that are there, after waiting at most so many seconds for the first."""
    with suppress(Empty):
        yield inbox.get(wait > 0, None if math.isinf(wait) else min(wait, threading.TIMEOUT_MAX))
        while True:
            yield inbox.get_nowait()


def _receive(engine: Engine, utterances: list[Utterance], health: Health, lock: threading.Lock) -> None:
    engine.submit(utterances)
    with lock:
        health.arriving -= len(utterances)


def _stop(thread: threading.Thread, inbox: SimpleQueue[Message | None]) -> None:
    inbox.put(None)
    if thread.ident is not None and thread is not threading.current_thread():
        thread.join()
