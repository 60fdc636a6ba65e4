"""Loops over inputs: one stream, several in step, several as they come."""

from __future__ import annotations

import asyncio
from typing import Any, AsyncIterator, Callable, Generic, Iterator, List, Optional, Sequence, Tuple, TypeVar, cast

from .. import _wire as wire
from .._call import Call
from .._choices import MERGE
from .._errors import FlowError, PayloadError
from .._ports import FROM_FIRST, FROM_LATEST, FROM_NEW, Input, Opening, Reader

T = TypeVar("T")

_PLACES = {"first": FROM_FIRST, "latest": FROM_LATEST, "new": FROM_NEW}


class Port(Generic[T]):
    def __init__(self, input: Input, read: Callable[[bytes], T]) -> None:
        self._input, self._read = input, read

    @property
    def name(self) -> str:
        """The name of the stream in the flow."""
        return self._input.name

    @property
    def is_complete(self) -> bool:
        """Whether a reader here has reached the end of the stream."""
        return self._input.is_complete

    def _value(self, reader: Reader) -> T:
        place = reader.batch[0][0]
        payload = reader.take()
        try:
            return self._read(payload)
        except PayloadError as e:
            raise PayloadError(f"The value {place:,} of the input {self.name} of the processor {self._input.call.plan.processor} "
                               f"({len(payload):,} bytes) cannot be read: {e}.") from e.__cause__

    async def _first(self) -> T:
        opening = self._input.open(is_counted=False)
        try:
            reader = await opening.wait()
            if not await reader.fetch():
                raise FlowError(f"The stream {self.name} is complete and empty: it has no first value. Read it by stream() if that is "
                                "meant to be possible.")
            return self._value(reader)
        finally:
            opening.release()

    def _values(self, start: str) -> "Single[T]":
        if start not in _PLACES:
            raise ValueError(f"stream(start=…) is \"first\", \"latest\" or \"new\", not {start!r}.")
        return Single(self, _PLACES[start])


class Loop(Generic[T]):
    """A loop over one or more inputs: by ``async for`` in async functions."""

    def __init__(self, ports: Sequence[Port[Any]]) -> None:
        self._ports = ports
        self._call: Call = ports[0]._input.call
        self._readers: List[Reader] = []
        self._opening: Optional[Opening] = None
        self._is_inside = self._is_over = self._has_begun = False

    async def _begin(self) -> None:
        """Opens the inputs that are not open. A cancelled step leaves its question open, and the next step goes on with it."""
        if not self._has_begun:
            self._has_begun = True
            self._is_inside = self._call.enter(" and ".join(port.name for port in self._ports))
        while not self._is_over and len(self._readers) < len(self._ports):
            if self._opening is None:
                self._opening = self._open(self._ports[len(self._readers)])
            opening = self._opening
            reader = await opening.wait()
            if self._opening is opening:            # otherwise another task was faster
                self._opening = None
                self._readers.append(reader)

    def _open(self, port: Port[Any]) -> Opening:
        return port._input.open()

    def _at_hand(self) -> bool:
        return all(reader.batch for reader in self._readers)

    def _pass(self) -> None:
        for reader in self._readers:
            reader.passed = reader.delivered

    async def _next(self) -> Tuple[bool, Any]:
        raise NotImplementedError

    async def step(self) -> Tuple[bool, Any]:
        """The next value, and whether there is one."""
        if self._is_over:
            return False, None
        try:
            self._call.check()
            # Before anything is in hand: a time limit may cut it off, and a value that was taken would be lost.
            await self._call.breathe()
            await self._begin()
            if self._is_over:                       # another task has closed it
                return False, None
            self._pass()
            self._call.reach(not self._at_hand())
            found = await self._next()
        except BaseException as e:
            # A time limit around one value cancels only the wait; the loop can go on.
            if not isinstance(e, asyncio.CancelledError) or self._call.is_cancelled:
                self.close()
            raise
        if not found[0]:
            self.close()
        return found

    def close(self) -> None:
        """Ends the loop early. The end of the function does the same."""
        if self._is_over:
            return
        self._is_over = True
        if self._opening is not None:
            self._opening.release()
            self._opening = None
        for reader in self._readers:
            reader.release()
        if self._is_inside:
            self._call.leave()

    def __del__(self) -> None:
        if getattr(self, "_readers", None) or getattr(self, "_opening", None) or getattr(self, "_is_inside", False):
            self.close()

    # For loops with `async for`.
    def __aiter__(self) -> "AsyncIterator[T]":
        return cast("AsyncIterator[T]", self)

    async def __anext__(self) -> T:
        has, value = await self.step()
        if not has:
            raise StopAsyncIteration
        return cast(T, value)

    async def aclose(self) -> None:
        """Ends the loop early."""
        self.close()


class Single(Loop[T]):
    def __init__(self, port: Port[T], place: int) -> None:
        super().__init__([port])
        self._place = place

    def _open(self, port: Port[Any]) -> Opening:
        return port._input.open(self._place)

    async def _next(self) -> Tuple[bool, Any]:
        reader = self._readers[0]
        if not reader.batch and not await reader.fetch():
            return False, None
        return True, self._ports[0]._value(reader)


class Zip(Loop[T]):
    def __init__(self, ports: Sequence[Port[Any]], pad: bool, fill: Any) -> None:
        super().__init__(ports)
        self._pad, self._fill = pad, fill

    async def _next(self) -> Tuple[bool, Any]:
        # In turn: with the end of one, the next values of the others are not waited for.
        while True:
            has: List[bool] = []
            for reader in self._readers:
                found = await reader.fetch()
                if self._is_over or not (found or self._pad):     # another task has closed it, or one stream has ended
                    return False, None
                has.append(found)
            if not any(has):
                return False, None
            if all(reader.batch for reader, one in zip(self._readers, has) if one):   # or another task has taken the values
                break
        return True, tuple(port._value(reader) if one else self._fill for port, reader, one in zip(self._ports, self._readers, has))


class Merge(Loop[T]):
    def __init__(self, ports: Sequence[Port[Any]]) -> None:
        super().__init__(ports)
        self._reads: List[Optional["asyncio.Task[bool]"]] = [None] * len(ports)
        self._number: Optional[int] = None
        self._replayed: Optional[int] = None        # a known choice whose value was not given out
        self._waiting: Optional["asyncio.Future[bytes]"] = None      # of a step that was cancelled, too

    def _at_hand(self) -> bool:
        return any(read.done() if read is not None else bool(reader.batch) for read, reader in zip(self._reads, self._readers))

    async def _next(self) -> Tuple[bool, Any]:
        # The service believes that the function waits, and may have given its slot to another one.
        await self._end_wait()
        if self._is_over:                           # another task has closed it
            return False, None
        choices = self._call.choices
        if self._number is None:
            self._number = choices.number_of(MERGE, ",".join(port.name for port in self._ports))
        if self._replayed is None:
            self._replayed = choices.replay(MERGE, self._number)
        index = self._replayed
        if index is None:
            index = await self._choose()
            if self._is_over:                       # another task has closed it
                return False, None
            choices.chose(MERGE, self._number, index)
        if not 0 <= index < len(self._ports):
            return False, None
        if self._reads[index] is not None:
            await self._wait([index])
            if self._is_over:
                return False, None
        read, self._reads[index] = self._reads[index], None
        has = await read if read is not None else await self._readers[index].fetch()
        if not has and self._is_over:               # another task has closed it
            return False, None
        if not has:
            raise FlowError(f"The stream {self._ports[index].name} ended before the value that was read from it the last time.")
        self._replayed = None
        return True, (self._ports[index].name, self._ports[index]._value(self._readers[index]))

    async def _choose(self) -> int:
        while not self._is_over:
            pending: List[int] = []
            for index, reader in enumerate(self._readers):
                read = self._reads[index]
                if read is None:
                    if reader.batch:
                        return index
                    if reader.has_ended:
                        continue
                    reader.ask(is_ahead=True)
                    read = self._reads[index] = asyncio.ensure_future(reader.fetch())
                if not read.done():
                    pending.append(index)
                elif read.result():
                    return index
                else:
                    self._reads[index] = None
            if not pending:
                return -1
            await self._wait(pending)
        return -1

    async def _wait(self, indexes: List[int]) -> None:
        """Waits until one of some reads may have ended. Meanwhile the service gives the slot of the function to another one."""
        reads = [read for read in (self._reads[index] for index in indexes) if read is not None and not read.done()]
        if len(reads) < len(indexes):
            return
        readers = [self._readers[index] for index in indexes]
        if self._call.plan.takes_waits and self._waiting is None \
                and all(reader.asked is not None and not reader.asked.done() for reader in readers):
            self._waiting = self._call.ask(wire.WAIT, wire.numbers(*(reader.question for reader in readers)))
        if self._waiting is not None:
            await self._end_wait()                  # each further wait needs a question of its own
        else:
            await asyncio.wait(reads, return_when=asyncio.FIRST_COMPLETED)

    async def _end_wait(self) -> None:
        """Waits until the function has its slot again, if a step has asked to wait: also one that was cancelled, or another task's."""
        while self._waiting is not None and not self._is_over:
            waiting = self._waiting
            if not waiting.done():
                await asyncio.wait({waiting})
            if self._waiting is waiting:            # otherwise another task was faster
                self._waiting = None
            waiting.result()

    def close(self) -> None:
        for read in self._reads:
            if read is not None:
                read.cancel()
        super().close()


class Blocking(Generic[T]):
    """A loop of a plain function: by ``for``."""

    def __init__(self, loop: Loop[T]) -> None:
        self._loop = loop

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        loop = self._loop
        # Without a hop to the other thread while values are at hand.
        if type(loop) is Single and loop._has_begun and not loop._is_over and loop._readers and loop._readers[0].batch:
            loop._call.check()
            loop._pass()
            loop._call.reach(False)
            return cast(T, loop._ports[0]._value(loop._readers[0]))
        has, value = loop._call.wait_for(loop.step())
        if not has:
            raise StopIteration
        return cast(T, value)

    def close(self) -> None:
        """Ends the loop early."""
        self._loop.close()
