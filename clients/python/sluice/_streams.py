"""What a function has in its hands: inputs, outputs, the context, checkpoints."""

from __future__ import annotations

import asyncio
import datetime as dt
from typing import Any, AsyncIterator, Callable, Coroutine, Generic, Iterator, List, Optional, Sequence, Tuple, TypeVar, Union, cast

from ._call import FROM_FIRST, FROM_LATEST, FROM_NEW, MERGE, Call, Input, Output, Reader
from ._errors import FlowError, PayloadError

T = TypeVar("T")
U = TypeVar("U")

_PLACES = {"first": FROM_FIRST, "latest": FROM_LATEST, "new": FROM_NEW}


class IOVal(Generic[T]):
    """A value with the name of the output that it is for."""

    __slots__ = ("name", "value")

    def __init__(self, name: str, value: T) -> None:
        if not isinstance(name, str):
            raise TypeError(f"IOVal(name, value): the name is a text, not {name!r}.")
        self.name, self.value = name, value

    def __repr__(self) -> str:
        return f"IOVal({self.name!r}, {self.value!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, IOVal) and (self.name, self.value) == (other.name, other.value)

    __hash__ = None  # type: ignore[assignment]


class _Port(Generic[T]):
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
        reader = await self._input.open(is_counted=False)
        try:
            if not await reader.fetch():
                raise FlowError(f"The stream {self.name} is complete and empty: it has no first value. Read it by stream() if that is "
                                "meant to be possible.")
            return self._value(reader)
        finally:
            reader.release()

    def _values(self, start: str) -> "_Single[T]":
        if start not in _PLACES:
            raise ValueError(f"stream(start=…) is \"first\", \"latest\" or \"new\", not {start!r}.")
        return _Single(self, _PLACES[start])


class _Loop(Generic[T]):
    """A loop over one or more inputs: by ``async for`` in async functions."""

    def __init__(self, ports: Sequence[_Port[Any]]) -> None:
        self._ports = ports
        self._call: Call = ports[0]._input.call
        self._readers: List[Reader] = []
        self._is_inside = self._is_over = self._has_begun = False

    async def _begin(self) -> None:
        self._has_begun = True
        self._is_inside = self._call.enter(" and ".join(port.name for port in self._ports))
        for port in self._ports:
            self._readers.append(await self._open(port))

    async def _open(self, port: _Port[Any]) -> Reader:
        return await port._input.open()

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
            if not self._has_begun:
                await self._begin()
            self._pass()
            self._call.reach(not self._at_hand())
            found = await self._next()
            await self._call.breathe()
        except BaseException as e:
            # A time limit around one value cancels only the wait; the loop can go on.
            if not isinstance(e, asyncio.CancelledError) or self._call.is_cancelled or len(self._readers) < len(self._ports):
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
        for reader in self._readers:
            reader.release()
        if self._is_inside:
            self._call.leave()

    def __del__(self) -> None:
        if getattr(self, "_readers", None) or getattr(self, "_is_inside", False):
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


class _Single(_Loop[T]):
    def __init__(self, port: _Port[T], place: int) -> None:
        super().__init__([port])
        self._place = place

    async def _open(self, port: _Port[Any]) -> Reader:
        return await port._input.open(self._place)

    async def _next(self) -> Tuple[bool, Any]:
        reader = self._readers[0]
        if not reader.batch and not await reader.fetch():
            return False, None
        return True, self._ports[0]._value(reader)


class _Zip(_Loop[T]):
    def __init__(self, ports: Sequence[_Port[Any]], pad: bool, fill: Any) -> None:
        super().__init__(ports)
        self._pad, self._fill = pad, fill

    async def _next(self) -> Tuple[bool, Any]:
        # In turn: with the end of one, the next values of the others are not waited for.
        has: List[bool] = []
        for reader in self._readers:
            found = await reader.fetch()
            if not found and not self._pad:
                return False, None
            has.append(found)
        if not any(has):
            return False, None
        return True, tuple(port._value(reader) if one else self._fill for port, reader, one in zip(self._ports, self._readers, has))


class _Merge(_Loop[T]):
    def __init__(self, ports: Sequence[_Port[Any]]) -> None:
        super().__init__(ports)
        self._reads: List[Optional["asyncio.Task[bool]"]] = [None] * len(ports)
        self._number: Optional[int] = None

    def _at_hand(self) -> bool:
        return any(read.done() if read is not None else bool(reader.batch) for read, reader in zip(self._reads, self._readers))

    async def _next(self) -> Tuple[bool, Any]:
        call = self._call
        if self._number is None:
            self._number = call.number_of(MERGE, ",".join(port.name for port in self._ports))
        index = call.replay(MERGE, self._number)
        if index is None:
            index = await self._choose()
            call.chose(MERGE, self._number, index)
        if not 0 <= index < len(self._ports):
            return False, None
        read, self._reads[index] = self._reads[index], None
        has = await read if read is not None else await self._readers[index].fetch()
        if not has:
            raise FlowError(f"The stream {self._ports[index].name} ended before the value that was read from it the last time.")
        return True, (self._ports[index].name, self._ports[index]._value(self._readers[index]))

    async def _choose(self) -> int:
        while True:
            pending = []
            for index, reader in enumerate(self._readers):
                read = self._reads[index]
                if read is None:
                    if reader.batch:
                        return index
                    if reader.has_ended:
                        continue
                    read = self._reads[index] = asyncio.ensure_future(reader.fetch())
                if not read.done():
                    pending.append(read)
                elif read.result():
                    return index
                else:
                    self._reads[index] = None
            if not pending:
                return -1
            await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)

    def close(self) -> None:
        for read in self._reads:
            if read is not None:
                read.cancel()
        super().close()


class _Blocking(Generic[T]):
    """A loop of a plain function: by ``for``."""

    def __init__(self, loop: _Loop[T]) -> None:
        self._loop = loop

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        loop = self._loop
        # Without a hop to the other thread while values are at hand.
        if type(loop) is _Single and loop._has_begun and not loop._is_over and loop._readers and loop._readers[0].batch:
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


class IO(_Port[T]):
    """A stream of a run that an async function reads. Any number of readers may read it, at a time or again; each gets all values.

    All methods raise FlowError if the stream has failed, and PayloadError if a value is not of the annotated type. Used in the loop that
    the function runs in.
    """

    async def first(self) -> T:
        """The first value, as soon as there is one. Later values are not waited for, and their writer is not held up."""
        return await self._first()

    def stream(self, start: str = "first") -> AsyncIterator[T]:
        """All values, as they are written, until the stream is complete; ``start`` is "first", "latest" or "new"."""
        return self._values(start).__aiter__()

    def stream_with(self, *others: "IO[Any]", pad: bool = False, fill: Any = None) -> AsyncIterator[Tuple[Any, ...]]:
        """Tuples of the values of all streams, in order; ends with the shortest. With ``pad``, ends with the longest, and ``fill`` stands
        for the missing values."""
        return cast("AsyncIterator[Tuple[Any, ...]]", _Zip([self, *others], pad, fill))

    def as_available(self, *others: "IO[Any]") -> AsyncIterator[Tuple[str, Any]]:
        """Merges the streams: pairs of name and value, each as it comes, until all are complete."""
        return cast("AsyncIterator[Tuple[str, Any]]", _Merge([self, *others]))


class SyncIO(_Port[T]):
    """The same as IO, for plain functions, which run on a thread of their own: each method blocks it."""

    def first(self) -> T:
        """The first value, as soon as there is one."""
        return self._input.call.wait_for(self._first())

    def stream(self, start: str = "first") -> Iterator[T]:
        """All values, as they are written, until the stream is complete; ``start`` is "first", "latest" or "new"."""
        return _Blocking(self._values(start))

    def stream_with(self, *others: "SyncIO[Any]", pad: bool = False, fill: Any = None) -> Iterator[Tuple[Any, ...]]:
        """Tuples of the values of all streams, in order; see IO.stream_with."""
        return cast("Iterator[Tuple[Any, ...]]", _Blocking(_Zip([self, *others], pad, fill)))

    def as_available(self, *others: "SyncIO[Any]") -> Iterator[Tuple[str, Any]]:
        """Merges the streams: pairs of name and value, each as it comes."""
        return cast("Iterator[Tuple[str, Any]]", _Blocking(_Merge([self, *others])))


class IOWriter(Generic[T]):
    """An output that an async function writes. Await each write: a function that returns before fails."""

    def __init__(self, output: Output) -> None:
        self._output = output

    @property
    def name(self) -> str:
        """The name of the stream in the flow."""
        return self._output.name

    def write(self, value: T) -> Coroutine[Any, Any, None]:
        """Writes a value; waits while too much is on its way. Raises PayloadError, or FlowError if the stream has ended."""
        self._output.pending += 1
        return self._write(value)

    async def _write(self, value: T) -> None:
        try:
            await self._output.put(self._output.encode(value))
        finally:
            self._output.pending -= 1


class SyncIOWriter(Generic[T]):
    """An output that a plain function writes, on any thread."""

    def __init__(self, output: Output) -> None:
        self._output = output

    @property
    def name(self) -> str:
        """The name of the stream in the flow."""
        return self._output.name

    def write(self, value: T) -> None:
        """Writes a value; blocks while too much is on its way."""
        put_blocking(self._output, value)


def put_blocking(output: Output, value: Any) -> None:
    payload = output.encode(value)
    if not output.try_put(payload):
        output.call.wait_for(output.put(payload))


class _State(Generic[T]):
    def __init__(self, call: Call, read: Callable[[bytes], T]) -> None:
        self._call = call
        self.has_value = call.state is not None
        """Whether there is a saved state, of this start or an earlier one."""
        self.value: Optional[T] = None
        """The state saved last; None if there is none."""
        if call.state is not None:
            try:
                self.value = read(call.state)
            except PayloadError as e:
                raise PayloadError(f"The saved state of the processor {call.plan.processor} cannot be read: {e}.") from e.__cause__

    async def _save(self, value: T) -> None:
        try:
            state = self._call.codec.write(value)
        except PayloadError as e:
            raise PayloadError(f"The state of the processor {self._call.plan.processor} cannot be saved: {e}.") from e.__cause__
        if len(state) > self._call.max_payload:
            raise FlowError(f"The processor {self._call.plan.processor} was to save a state of {len(state):,} bytes. "
                            "Save a reference to it.")
        await self._call.save(state)
        self.has_value, self.value = True, value


class Checkpoint(_State[T]):
    """The saved state of a processor that resumes at checkpoints; a parameter of an async function."""

    async def save(self, value: T) -> None:
        """Commits the state, all output since the last checkpoint, and the places in the inputs, in one commit."""
        await self._save(value)


class SyncCheckpoint(_State[T]):
    """The same as Checkpoint, for plain functions."""

    def save(self, value: T) -> None:
        """Commits the state, all output since the last checkpoint, and the places in the inputs, in one commit."""
        self._call.wait_for(self._save(value))


class Context:
    """One start of a processor, as its function sees it."""

    def __init__(self, call: Call, is_async: bool) -> None:
        self._call, self._is_async = call, is_async

    @property
    def run(self) -> str:
        """The id of the run."""
        return self._call.plan.run

    @property
    def processor(self) -> str:
        """The name of the processor."""
        return self._call.plan.processor

    @property
    def start(self) -> int:
        """The number of this start, from 1; a start follows the loss of a process."""
        return self._call.plan.start

    @property
    def attempt(self) -> int:
        """The number of this attempt, from 1; an attempt follows a failure, if the processor has a retry."""
        return self._call.plan.attempt

    @property
    def resume(self) -> str:
        """Where the processor resumes: "FromScratch", "PerItem" or "Checkpoint"."""
        return self._call.plan.resume

    @property
    def traceparent(self) -> Optional[str]:
        """The trace of the execution, as W3C has it; None if there is none."""
        return self._call.plan.trace

    @property
    def tracestate(self) -> Optional[str]:
        """Its tracestate; None if there is none."""
        return self._call.plan.trace_state

    @property
    def is_cancelled(self) -> bool:
        """Whether the function is to stop: its run is cancelled, its time is over, or its service stops."""
        return self._call.is_cancelled

    def raise_if_cancelled(self) -> None:
        """Raises asyncio.CancelledError if the function is to stop, for long work without reads and writes."""
        if self._call.is_cancelled:
            self._call.check()

    def now(self) -> dt.datetime:
        """The time in UTC. If the processor resumes from scratch, a repeated start gets the same times."""
        return self._call.now()

    def input(self, name: str, kind: Any = Any) -> "Union[IO[Any], SyncIO[Any]]":
        """An input by its name, read as a type."""
        port, read = self._call.input(name), self._call.codec.reader(kind)
        return IO(port, read) if self._is_async else SyncIO(port, read)

    def output(self, name: str) -> "Union[IOWriter[Any], SyncIOWriter[Any]]":
        """An output by its name."""
        port = self._call.output(name)
        return IOWriter(port) if self._is_async else SyncIOWriter(port)
