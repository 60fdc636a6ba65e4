"""A loop over several streams, as their values come."""

from __future__ import annotations

import asyncio
from typing import Any, List, Optional, Sequence, Tuple, TypeVar

from .. import _wire as wire
from .._choices import MERGE
from .._errors import FlowError
from ._loops import Loop, Port

T = TypeVar("T")


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
