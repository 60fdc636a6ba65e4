"""Inputs and outputs, as a function has them in its hands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, AsyncIterator, Coroutine, Generator, Generic, Iterator, Optional, Tuple, TypeVar, cast

from .._output import Output
from ._loops import Blocking, Port, Zip
from ._merge import Merge

T = TypeVar("T")


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


def _loop_by(form: str) -> Any:
    def refuse(self: Any) -> Any:
        raise TypeError(f"The input {self.name} is a stream, and no list. Write: {form} value in {self.name}.stream()")

    return refuse


class IO(Port[T]):
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
        return cast("AsyncIterator[Tuple[Any, ...]]", Zip([self, *others], pad, fill))

    def as_available(self, *others: "IO[Any]") -> AsyncIterator[Tuple[str, Any]]:
        """Merges the streams: pairs of name and value, each as it comes, until all are complete."""
        return cast("AsyncIterator[Tuple[str, Any]]", Merge([self, *others]))

    if not TYPE_CHECKING:
        __iter__ = __aiter__ = _loop_by("async for")


class SyncIO(Port[T]):
    """The same as IO, for plain functions, which run on a thread of their own: each method blocks it."""

    def first(self) -> T:
        """The first value, as soon as there is one."""
        return self._input.call.wait_for(self._first())

    def stream(self, start: str = "first") -> Iterator[T]:
        """All values, as they are written, until the stream is complete; ``start`` is "first", "latest" or "new"."""
        return Blocking(self._values(start))

    def stream_with(self, *others: "SyncIO[Any]", pad: bool = False, fill: Any = None) -> Iterator[Tuple[Any, ...]]:
        """Tuples of the values of all streams, in order; see IO.stream_with."""
        return cast("Iterator[Tuple[Any, ...]]", Blocking(Zip([self, *others], pad, fill)))

    def as_available(self, *others: "SyncIO[Any]") -> Iterator[Tuple[str, Any]]:
        """Merges the streams: pairs of name and value, each as it comes."""
        return cast("Iterator[Tuple[str, Any]]", Blocking(Merge([self, *others])))

    if not TYPE_CHECKING:
        __iter__ = __aiter__ = _loop_by("for")


class IOWriter(Generic[T]):
    """An output that an async function writes. Await each write: a function that returns before fails."""

    def __init__(self, output: Output) -> None:
        self._output = output

    @property
    def name(self) -> str:
        """The name of the stream in the flow."""
        return self._output.name

    def write(self, value: T) -> Coroutine[Any, Any, None]:
        """Writes a value; waits while too much is on its way. Raises PayloadError, or FlowError if the stream has ended.

        What it returns is awaited once, and counts from the call: a forgotten one fails the function. It is no coroutine of an async def:
        where one is demanded (start_soon of anyio), await it in an async def of your own.
        """
        return _Write(self._output, value)


class _Write(Coroutine[Any, Any, None]):
    """A write of an async function. It counts from its call to its end, also if it is cancelled before its first step."""

    __slots__ = ("_output", "_value", "_work", "_is_begun")

    def __init__(self, output: Output, value: Any) -> None:
        self._output, self._value, self._is_begun = output, value, not output.is_closed
        self._work: Optional[Coroutine[Any, Any, None]] = None
        output.pending += 1

    async def _run(self) -> None:
        try:
            await self._output.put(self._output.encode(self._value), self._is_begun)
        finally:
            self._output.pending -= 1

    def _begin(self) -> Coroutine[Any, Any, None]:
        if self._work is not None:
            raise RuntimeError("A write is awaited once.")
        self._work = self._run()
        return self._work

    def __await__(self) -> Generator[Any, Any, None]:
        if self._work is not None:
            return self._begin().__await__()
        self._work = work = self._run()
        return work.__await__()

    def send(self, value: Any) -> Any:
        return (self._work or self._begin()).send(value)

    def throw(self, *error: Any) -> Any:
        return (self._work or self._end()).throw(*error)

    def close(self) -> None:
        (self._work or self._end()).close()

    def _end(self) -> Coroutine[Any, Any, None]:
        """The work, which never makes its first step."""
        self._output.pending -= 1
        return self._begin()


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
    output.put_blocking(output.encode(value))
