"""One start of a processor, and its saved state."""

from __future__ import annotations

import datetime as dt
from typing import Any, Callable, Generic, Optional, TypeVar, Union

from .._call import Call
from .._errors import FlowError, PayloadError
from ._io import IO, IOWriter, SyncIO, SyncIOWriter

T = TypeVar("T")


class _State(Generic[T]):
    def __init__(self, call: Call, read: Callable[[bytes], T], kind: Any) -> None:
        self._call, self._kind = call, kind
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
            state = self._call.codec.write_as(self._kind, value)
        except PayloadError as e:
            raise PayloadError(f"The state of the processor {self._call.plan.processor} cannot be saved: {e}.") from e.__cause__
        if len(state) > self._call.max_payload:
            raise FlowError(f"The processor {self._call.plan.processor} was to save a state of {len(state):,} bytes, and "
                            f"{self._call.max_payload:,} are allowed ({self._call.payload_option}). Save a reference to it.")
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
        return self._call.choices.now()

    def input(self, name: str, kind: Any = Any) -> "Union[IO[Any], SyncIO[Any]]":
        """An input by its name, read as a type."""
        port, read = self._call.input(name), self._call.codec.reader(kind)
        return IO(port, read) if self._is_async else SyncIO(port, read)

    def output(self, name: str) -> "Union[IOWriter[Any], SyncIOWriter[Any]]":
        """An output by its name."""
        port = self._call.output(name)
        return IOWriter(port) if self._is_async else SyncIOWriter(port)
