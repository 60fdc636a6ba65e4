"""Loops over inputs: one stream, several in step, and loops of functions that are not asynchronous."""

from __future__ import annotations

import asyncio
from typing import Any, AsyncIterator, Callable, Generic, Iterator, List, Optional, Sequence, Tuple, TypeVar, cast

from .._call import Call
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
