"""The outputs of a call, as the protocol has them: writers with their credit."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, List, Optional

from . import _wire as wire
from ._errors import FlowError, PayloadError
from ._payloads import brief, unfit
from ._plan import StreamPlan

if TYPE_CHECKING:
    from ._call import Call


class _Turn:
    """The place of a write that waits. It keeps its place while it lets the loop turn, so the order does not depend on the clock."""

    __slots__ = ("size", "room")

    def __init__(self, size: int) -> None:
        self.size = size
        self.room: Optional["asyncio.Future[None]"] = None


class Output:
    """An output of a call. Any thread writes; what is on its way is bounded by the credit of the service."""

    def __init__(self, call: "Call", name: str, index: int, plan: StreamPlan) -> None:
        self.call, self.name, self.index, self.plan = call, name, index, plan
        self.type = plan.type                       # in C#, or else by the function's annotation
        self.count = 0
        self.pending = 0                            # async writes that were begun and have not ended: the loop's thread
        self._blocked = 0                           # writes of other threads that wait
        self.is_closed = False                      # the function has ended
        self._has_told = False
        self._lock = threading.Lock()
        self._values = self._bytes = 0              # on their way
        self._waiting: "OrderedDict[_Turn, None]" = OrderedDict()

    def encode(self, value: Any) -> bytes:
        """Raises PayloadError, which names the output and the value."""
        call = self.call
        try:
            why = unfit(self.type, value)
            if why is not None:
                raise PayloadError(f"{wire.short(brief(value), 100)} does not fit: {why}")
            payload = call.codec.write(value)
            for most, limit in ((call.max_payload, call.payload_option),
                                (self.plan.max_item_bytes, "FlowStreamOptions.MaxItemBytes")):
                if len(payload) > most:
                    raise PayloadError(f"it has {len(payload):,} bytes, and {most:,} are allowed ({limit}). Store it elsewhere and put out "
                                       "a reference, or raise the limit")
            return payload
        except PayloadError as e:
            raise PayloadError(f"The value {self.count} (from 0) of the output {self.name} of the processor {call.plan.processor}, "
                               f"of the type {type(value).__name__}, cannot be put out: {e}.") from e.__cause__

    def put_blocking(self, payload: bytes) -> None:
        """Sends a value, and blocks the thread until there is credit. Any thread but the loop's."""
        with self._lock:
            is_late = self.is_closed
            if not is_late:
                if self._send(payload, None):
                    return
                self._blocked += 1
        if is_late:
            raise self._too_late()
        try:
            self.call.wait_for(self.put(payload, True))
        finally:
            with self._lock:
                self._blocked -= 1

    async def put(self, payload: bytes, is_begun: bool = False) -> None:
        """Sends a value as soon as there is credit, in the order of the calls. The thread of the loop.

        is_begun: whether the write had begun before the function ended. How the function ended says then what became of it.
        """
        call = self.call
        if self.is_closed and not is_begun:
            raise self._too_late()
        if not call.is_busy():
            with self._lock:
                if self._send(payload, None):
                    return
        turn = _Turn(len(payload))
        with self._lock:
            self._waiting[turn] = None
        try:
            # Before the value is sent: a time limit may cut it off, and the caller would send the value again.
            await call.breathe()
            while True:
                with self._lock:
                    if self._send(payload, turn):
                        return
                    room = turn.room = call.loop.create_future()
                await room
        finally:
            with self._lock:
                self._waiting.pop(turn, None)
            self._wake_next()

    def _send(self, payload: bytes, turn: Optional[_Turn]) -> bool:
        """Sends a value, if it is its turn and there is credit. Under the lock."""
        self.call.check()
        if self.is_closed:
            raise FlowError(self._late())
        if self._values >= wire.MAX_VALUES or self._bytes >= wire.MAX_BYTES:
            return False
        if self._waiting:
            if next(iter(self._waiting)) is not turn:
                return False
            del self._waiting[turn]
        self._values += 1
        self._bytes += len(payload)
        self.count += 1
        self.call.say(wire.PUT, wire.numbers(self.index) + payload)
        return True

    def refill(self, values: int, size: int) -> None:
        with self._lock:
            if values < 0 or size < 0 or values > self._values or size > self._bytes:
                raise wire.WireError(f"a credit of {values:,} values and {size:,} bytes, which were not on their way.")
            self._values -= values
            self._bytes -= size
        self._wake_next()

    def _wake_next(self) -> None:
        """Lets as many writes at the front look again as there is credit for. The thread of the loop."""
        if not self._waiting:
            return
        rooms: "List[asyncio.Future[None]]" = []
        with self._lock:
            values, size = self._values, self._bytes
            for turn in self._waiting:
                if values >= wire.MAX_VALUES or size >= wire.MAX_BYTES:
                    break
                if turn.room is None or turn.room.done():
                    break                           # it looks, and wakes the next ones
                values, size = values + 1, size + turn.size
                rooms.append(turn.room)
        _open(rooms)

    def wake(self) -> None:
        """Lets all waiting writes look again. The thread of the loop."""
        with self._lock:
            rooms = [turn.room for turn in self._waiting if turn.room is not None]
        _open(rooms)

    def close(self) -> int:
        """The function has ended: nothing can be written any more. How many writes had not ended."""
        with self._lock:
            left = self.pending + self._blocked
            self.is_closed = True
            return left

    def _late(self) -> str:
        return (f"The processor {self.call.plan.processor} of the run {self.call.plan.run} wrote a value to {self.name} after its function "
                "had returned. Nothing can take it any more: the value is lost. Await every write, and all work that writes, before the "
                "function returns.")

    def _too_late(self) -> FlowError:
        """For a write that has begun too late. The first one is told on standard error: nobody may look at its failure. Any thread."""
        with self._lock:
            is_first, self._has_told = not self._has_told, True
        if is_first and not self.call.is_cancelled:
            print(f"{self._late()} Later values to it are lost without another message.", file=sys.stderr)
        return FlowError(self._late())


def _open(rooms: "List[asyncio.Future[None]]") -> None:
    for room in rooms:
        if not room.done():
            room.set_result(None)
