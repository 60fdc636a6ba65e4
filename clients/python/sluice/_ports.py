"""The inputs of a call, as the protocol has them: readers with their places."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Deque, Optional, Set

from . import _wire as wire
from ._choices import LATEST, NEW

if TYPE_CHECKING:
    from ._call import Call

FROM_FIRST, FROM_LATEST, FROM_NEW = 0, 1, 2


class Reader:
    """One reader of an input: its places, and the values that have come and were not given out. Used by one loop at a time."""

    __slots__ = ("input", "number", "begun", "delivered", "passed", "told", "batch", "asked", "question", "has_ended", "is_open")

    def __init__(self, input: "Input", number: int, begun: int) -> None:
        self.input, self.number, self.begun = input, number, begun
        self.delivered = self.passed = begun
        self.told = (begun, begun)
        self.batch: Deque[wire.Value] = deque()
        self.asked: Optional["asyncio.Future[bytes]"] = None
        self.question = 0                           # the number of what was asked
        self.has_ended = False
        self.is_open = True

    def take(self) -> bytes:
        """Gives out the next value that has come."""
        sequence, payload = self.batch.popleft()
        self.delivered = sequence + 1
        return payload

    def say_place(self) -> None:
        place = (self.delivered, self.passed)
        if place != self.told:
            self.told = place
            self.input.call.say(wire.AT, wire.numbers(self.number, *place))

    def ask(self, is_ahead: bool = False) -> "asyncio.Future[bytes]":
        """Asks for values, unless they are asked for. is_ahead: the function goes on meanwhile, and says when it waits."""
        if self.asked is None:
            call = self.input.call
            self.say_place()
            self.asked = call.ask(wire.READ, wire.numbers(self.number, 1) if is_ahead and call.plan.takes_waits
                                  else wire.numbers(self.number))
            self.question = call.questions
        return self.asked

    async def fetch(self) -> bool:
        """Waits until the next value has come; False at the end of the stream, and of a reader that another task has released."""
        while True:
            if not self.is_open:                    # another task has released it
                return False
            if self.batch:
                return True
            if self.has_ended:
                return False
            self.input.call.check()
            asked = self.ask()
            # A cancelled read leaves its question open; the next read awaits the same one. An answer that is there is taken without a
            # turn of the loop: a time limit of zero would cut off each turn.
            if not asked.done():
                await asyncio.wait({asked})
            if self.asked is asked and self.is_open:
                break                               # otherwise another reading task was faster
        self.asked = None
        is_complete, found = wire.values(wire.Content(asked.result()))
        self.input.is_complete |= is_complete
        self.batch.extend(found)
        self.has_ended = not found
        return bool(found)

    def release(self) -> None:
        """Lets the service forget it; does not wait. Any thread."""
        if self.is_open:
            self.is_open = False
            self.input.readers.discard(self)
            self.input.call.tell_release(self)


class Opening:
    """A reader that the service was asked for."""

    __slots__ = ("_input", "_asked", "_reader")

    def __init__(self, input: "Input", asked: "asyncio.Future[bytes]") -> None:
        self._input, self._asked = input, asked
        self._reader: Optional[Reader] = None

    async def wait(self) -> Reader:
        """Waits for the reader. A cancelled wait leaves the question open; the next one gets the same reader."""
        if not self._asked.done():
            await asyncio.wait({self._asked})
        return self._opened()

    def release(self) -> None:
        """Lets the service forget the reader, also one that is still to come; does not wait. Any thread."""
        def release() -> None:
            if self._asked.done():
                self._drop(self._asked)
            else:
                self._asked.add_done_callback(self._drop)

        self._input.call.on_loop(release)

    def _opened(self) -> Reader:
        if self._reader is None:
            answer = wire.Content(self._asked.result())
            self._reader = Reader(self._input, answer.number(), answer.number())
            self._input.readers.add(self._reader)
        return self._reader

    def _drop(self, asked: "asyncio.Future[bytes]") -> None:
        if not asked.cancelled() and asked.exception() is None:
            self._opened().release()


class Input:
    """An input of a call."""

    def __init__(self, call: "Call", name: str, index: int) -> None:
        self.call, self.name, self.index = call, name, index
        self.readers: Set[Reader] = set()
        self.is_complete = False

    def open(self, place: int = FROM_FIRST, is_counted: bool = True) -> Opening:
        """Asks for a reader. Release it, or what comes of it."""
        call = self.call
        call.check()
        number, chosen = 0, None
        if place != FROM_FIRST:
            kind = NEW if place == FROM_NEW else LATEST
            number = call.choices.number_of(kind, self.name)
            chosen = call.choices.replay(kind, number)
        return Opening(self, call.ask(
            wire.OPEN, wire.numbers(self.index, place, int(is_counted), number, int(chosen is not None), chosen or 0)))
