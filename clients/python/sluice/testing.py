"""Executes a processor's function in a test, without a service."""

from __future__ import annotations

import asyncio
import struct
from typing import Any, Dict, Iterable, List, Mapping, Optional

from . import _wire as wire
from ._call import Call
from ._errors import FlowError, PayloadError
from ._function import Function
from ._payloads import Codec
from ._plan import Plan
from ._registry import Worker

__all__ = ["run"]


def run(worker: Worker, processor: str, inputs: Optional[Mapping[str, Iterable[Any]]] = None, *, state: Any = None) -> Dict[str, List[Any]]:
    """Executes the function of a processor with these values, and returns what it has put out, by output.

    All values go through their payloads, as between a service and a worker: what has no JSON form fails here, too. Values of outputs come
    back as the annotated type, or as plain JSON values. The inputs are complete from the beginning.

    state: what an earlier start has saved, for a function with a Checkpoint.

    Raises what the function raises, PayloadError for a value of an output that its annotated type cannot read, and ValueError for inputs
    that are missing or that the processor does not have.
    """
    function = worker._find(processor)
    if function is None:
        raise FlowError(worker._lacks(processor))
    given = dict(inputs or {})
    for name in function.inputs:
        if name not in given:
            raise ValueError(f"The processor {processor} has the input {name}: give its values, {name!r}: […].")
    for name in given:
        if name not in function.inputs:
            raise ValueError(f"The processor {processor} has no input {name}. It has: {', '.join(function.inputs) or 'none'}.")
        if isinstance(given[name], (str, bytes, bytearray)):
            raise ValueError(f"The values of the input {name} are a list, also if there is one value: {name!r}: [{given[name]!r}].")
    return asyncio.run(_run(function, worker._codec, given, state))


async def _run(function: Function, codec: Codec, given: Dict[str, Iterable[Any]], state: Any) -> Dict[str, List[Any]]:
    service = _Service(function, codec, {name: [codec.write_as(function.types.get(name, Any), value) for value in values]
                                        for name, values in given.items()})
    plan = Plan("test", function.name, function.inputs, function.outputs, "Checkpoint" if function.uses_checkpoint else "FromScratch", 1, 1,
                None if state is None else codec.write(state))
    call = service.call = Call(1, service.take, plan, codec, wire.Token("", b"", wire.MAX_PAYLOAD), asyncio.get_running_loop())
    try:
        await function.run(call)
        await asyncio.sleep(0)
        call.close()
    finally:
        call.end()
    return {name: [service.value(name, payload) for payload in payloads] for name, payloads in service.put.items()}


class _Service:
    """Answers the function's messages: it has all values, and takes all that is put out."""

    call: Call

    def __init__(self, function: Function, codec: Codec, values: Dict[str, List[bytes]]) -> None:
        self._values = [values[name] for name in function.inputs]
        self._readers: List[List[bytes]] = []
        self._outputs = function.outputs
        self._loop = asyncio.get_running_loop()
        self._read = {name: codec.reader(function.types[name]) for name in function.outputs if _can_read(codec, function, name)}
        self._plain = codec.reader(Any)
        self.put: Dict[str, List[bytes]] = {name: [] for name in function.outputs}

    def value(self, name: str, payload: bytes) -> Any:
        try:
            return self._read.get(name, self._plain)(payload)
        except PayloadError as e:
            if name not in self._read:
                return payload                      # bytes of an output without an annotation
            raise PayloadError(f"A value of the output {name} cannot be read as its annotated type: {e}") from None

    def take(self, _: int, message: bytes) -> None:
        """Any thread."""
        kind, content = message[0], wire.Content(message, 1)
        if kind == wire.PUT:
            index, payload = content.number(), content.rest()
            self.put[self._outputs[index]].append(payload)
            self._say(wire.CREDIT, wire.numbers(index, 1, len(payload)))
        elif kind == wire.OPEN:
            question, index, place = content.number(), content.number(), content.number()
            values = self._values[index]
            first = 0 if place == 0 else max(0, len(values) - 1) if place == 1 else len(values)
            self._readers.append(values[first:])
            self._say(wire.ANSWER, wire.numbers(question, len(self._readers) - 1, first + 1))
        elif kind == wire.READ:
            question, reader = content.number(), content.number()
            values, self._readers[reader] = self._readers[reader], []
            self._say(wire.ANSWER, wire.numbers(question) + b"\1" + b"".join(
                struct.pack("<qqi", number + 1, 1, len(one)) + one for number, one in enumerate(values)))
        elif kind in (wire.RELEASE, wire.SAVE):
            self._say(wire.ANSWER, wire.numbers(content.number()))

    def _say(self, kind: int, content: bytes) -> None:
        self._loop.call_soon_threadsafe(lambda: self.call.take(kind, wire.Content(content)))


def _can_read(codec: Codec, function: Function, name: str) -> bool:
    """Whether an output is annotated with a type."""
    try:
        codec.reader(function.types.get(name, Any))
        return function.types.get(name, Any) is not Any
    except (TypeError, NameError):                  # a return annotation that is no type of a value
        return False
