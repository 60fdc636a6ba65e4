"""A registered function: how its parameters are bound, and how it is executed."""

from __future__ import annotations

import asyncio
import inspect
import threading
import typing
from typing import Any, AsyncIterable, Callable, Dict, Iterable, List, Optional, Sequence, Tuple

from ._annotations import code_of, hints_of, is_async, output_of, returns_puts, shown_type
from ._call import Call
from ._errors import FlowError, explain
from ._payloads import BYTES, Codec
from ._plan import Plan
from ._streams import (IO, Checkpoint, Context, IOVal, IOWriter, SyncCheckpoint, SyncIO, SyncIOWriter, put_blocking)

Maker = Callable[[Call], Any]

_KINDS = {IO: "input", SyncIO: "input", IOWriter: "output", SyncIOWriter: "output"}
_ASYNC_ONLY: Dict[Any, str] = {SyncIO: "IO", SyncIOWriter: "IOWriter", SyncCheckpoint: "Checkpoint"}


class Function:
    """A processor's function with its parameters bound. Raises TypeError or ValueError for one that cannot be."""

    def __init__(self, name: str, function: Callable[..., Any], inputs: Sequence[str], outputs: Sequence[str], codec: Codec) -> None:
        self.name, self.function = name, function
        self.inputs, self.outputs = _names(name, "inputs", inputs), _names(name, "outputs", outputs)
        self.codec = codec
        code = code_of(function)
        self.is_async_generator = inspect.isasyncgenfunction(code)
        self.is_async = self.is_async_generator or is_async(function)
        self.types: Dict[str, Any] = {}
        self._makers: List[Tuple[str, Maker]] = []
        self.uses_checkpoint = False
        hints = hints_of("processor", name, function)
        returned = hints.get("return", inspect.Signature.empty)
        self._puts_none = returned not in (inspect.Signature.empty, None, type(None))
        self._returns_puts = returns_puts(returned)
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if parameter.kind is parameter.POSITIONAL_ONLY:
                raise TypeError(f"The function of the processor {name}: the parameter {parameter.name} is positional only; remove the /.")
            maker = self._bind(parameter, hints.get(parameter.name, inspect.Parameter.empty))
            if maker is not None:
                self._makers.append((parameter.name, maker))
        if len(self.outputs) == 1 and self._puts_none and self.outputs[0] not in self.types:
            self.types[self.outputs[0]] = output_of(returned, self.is_async_generator or inspect.isgeneratorfunction(code))

        self._bytes = [name for name in self.outputs if name in self.types and codec.bytes_of(self.types[name]) is not None]

    def _bind(self, parameter: inspect.Parameter, annotation: Any) -> Optional[Maker]:
        name = parameter.name
        origin, arguments = typing.get_origin(annotation) or annotation, typing.get_args(annotation)
        if annotation is inspect.Parameter.empty:
            origin = IO if name in self.inputs else IOWriter if name in self.outputs else Context if name == "context" else origin
        if self.is_async and origin in _ASYNC_ONLY:
            raise TypeError(f"The function of the processor {self.name} is async, and its parameter {name} is a {origin.__name__}, which "
                            f"would block all others. Annotate it with {_ASYNC_ONLY[origin]}.")
        if origin in _KINDS:
            known = self.inputs if _KINDS[origin] == "input" else self.outputs
            if name not in known:
                raise TypeError(f"The function of the processor {self.name}: its parameter {name} is an {origin.__name__}. "
                                f"{explain(_KINDS[origin], name, known)} Name the parameter like one of them.")
            kind = arguments[0] if arguments else Any
            try:
                read = self.codec.reader(kind)
            except (TypeError, NameError) as e:
                raise TypeError(f"The function of the processor {self.name}: {origin.__name__} of its parameter {name}: {e}.") from None
            self.types[name] = kind
            if _KINDS[origin] == "input":
                return lambda call: (IO if self.is_async else SyncIO)(call.input(name), read)
            return lambda call: (IOWriter if self.is_async else SyncIOWriter)(call.output(name))
        if origin in (Checkpoint, SyncCheckpoint):
            read_state = self.codec.reader(arguments[0] if arguments else Any)
            self.uses_checkpoint = True
            return lambda call: (Checkpoint if self.is_async else SyncCheckpoint)(call, read_state, arguments[0] if arguments else Any)
        if origin is Context:
            return lambda call: Context(call, self.is_async)
        if parameter.default is not inspect.Parameter.empty:
            return None
        if origin in (typing.IO, typing.TextIO, typing.BinaryIO):
            raise TypeError(f"The function of the processor {self.name}: its parameter {name} is annotated with the {origin.__name__} of "
                            "typing, which is a file. Write: from sluice import IO")
        if name in self.inputs:
            raise TypeError(f"The function of the processor {self.name}: its parameter {name} is an input, and is annotated "
                            f"{shown_type(annotation)}. Annotate it IO[{shown_type(annotation)}], and await {name}.first() for one value.")
        raise TypeError(f"The function of the processor {self.name}: its parameter {name} is neither an input (inputs: "
                        f"{', '.join(self.inputs) or 'none'}), an output (outputs: {', '.join(self.outputs) or 'none'}), a Context nor a "
                        "Checkpoint, and has no default.")

    def check(self, plan: Plan) -> None:
        """Compares the plan of the flow with what was registered. Raises FlowError."""
        for kind, own, planned in (("input", self.inputs, plan.inputs), ("output", self.outputs, plan.outputs)):
            for name in own:
                if name not in planned:
                    raise FlowError(f"The processor {self.name} in Python has the {kind} {name}, and in the flow it does not. "
                                    f"{explain(kind, name, planned)} Change one of them.")
        for name in plan.inputs:
            if name not in self.inputs:
                raise FlowError(f"The processor {self.name} has the input {name} in the flow, and not in Python, which would ignore its "
                                f"values. Add it to the inputs. If the program has it, an older worker has taken the call: restart it.")
        if self.uses_checkpoint and plan.resume != "Checkpoint":
            raise FlowError(f"The function of the processor {self.name} takes a Checkpoint, but the processor resumes {plan.resume}. Make "
                            "it Resume = ResumeMode.Checkpoint.")
        for name, kind in self.types.items():
            stream, reads = plan.streams.get(name), name in self.inputs
            why = self.codec.conflict(stream.type, stream.schema, kind, reads) if stream is not None else None
            if stream is not None and why is not None:
                raise FlowError(f"The stream {name} has values of the type {stream.type}; the function of the processor {self.name} in "
                                f"Python {'reads' if reads else 'writes'} {shown_type(kind)}{why and ': '}{why}. Change one of them.")

    async def run(self, call: Call) -> None:
        """Executes the function, and puts out what comes of it."""
        self.check(call.plan)
        for name in self._bytes:
            call.output(name).type = call.output(name).type or BYTES
        arguments = {name: make(call) for name, make in self._makers}
        if not self.is_async:
            await self._run_on_thread(call, arguments)
        elif self.is_async_generator:
            values = self.function(**arguments)
            try:
                async for value in values:
                    await self._put(call, value)
            finally:
                await values.aclose()
        else:
            await self._put_result(call, await self.function(**arguments))

    async def _put_result(self, call: Call, result: Any) -> None:
        if isinstance(result, AsyncIterable):
            async for value in result:
                await self._put(call, value)
            return
        for value in self._results(result):
            await self._put(call, value)

    async def _put(self, call: Call, value: Any) -> None:
        output = call.output(self._name_of(call, value))
        payload = output.encode(value.value)
        await output.put(payload)

    def _name_of(self, call: Call, value: Any) -> str:
        if not isinstance(value, IOVal):
            first = call.plan.outputs[0] if call.plan.outputs else "output"
            raise FlowError(f"The processor {self.name} has put out a {type(value).__name__}: yield IOVal({first!r}, value).")
        if value.name not in call.outputs:
            raise FlowError(f"The processor {self.name} has put out to \"{value.name}\". "
                            f"{explain('output', value.name, call.plan.outputs)} Add it to the outputs, or correct the name.")
        return value.name

    def _results(self, result: Any) -> Iterable[Any]:
        """What a function that returned has to put out."""
        if isinstance(result, IOVal):
            return [result]
        if inspect.isgenerator(result) or (isinstance(result, (list, tuple)) and (result or self._returns_puts)
                                           and all(isinstance(one, IOVal) for one in result)):
            return typing.cast(Iterable[Any], result)
        if len(self.outputs) == 1 and (result is not None or self._puts_none):
            return [IOVal(self.outputs[0], result)]
        if result is not None:
            raise FlowError(f"The function of the processor {self.name} has returned a {type(result).__name__}, which is the value of a "
                            f"single output; it has {', '.join(self.outputs) or 'none'}. Yield IOVal(name, value) instead.")
        return []

    async def _run_on_thread(self, call: Call, arguments: Dict[str, Any]) -> None:
        loop = asyncio.get_running_loop()
        ended: "asyncio.Future[Optional[BaseException]]" = loop.create_future()

        def end(failure: Optional[BaseException]) -> None:
            if not ended.done():
                ended.set_result(failure)

        def run() -> None:
            failure = self._run_plain(call, arguments)
            try:
                loop.call_soon_threadsafe(end, failure)
            except RuntimeError:
                pass                                # the loop has ended: the service is gone

        threading.Thread(target=run, name=f"sluice-{self.name}", daemon=True).start()
        # A thread cannot be ended from outside: a cancelled function ends with its next read, write or look at the context.
        while not ended.done():
            try:
                await asyncio.wait({ended})
            except asyncio.CancelledError:
                continue
        failure = ended.result()
        if failure is not None:
            try:
                raise failure
            finally:
                del failure, ended                  # its traceback has this frame: a circle would keep what the function has opened

    def _run_plain(self, call: Call, arguments: Dict[str, Any]) -> Optional[BaseException]:
        """Executes a plain function on its thread. Returns how it has failed; its generator is closed by then."""
        try:
            result = self.function(**arguments)
            if inspect.isawaitable(result):
                if hasattr(result, "close"):
                    result.close()
                raise FlowError(f"The function of the processor {self.name} is plain, and has returned something to await. Make it "
                                "async.")
            try:
                for value in self._results(result):
                    put_blocking(call.output(self._name_of(call, value)), value.value)
            finally:
                if inspect.isgenerator(result):
                    result.close()
        except StopIteration as e:                  # a coroutine cannot raise it
            failure = RuntimeError("next() has found no more values, and the function has not caught its StopIteration. Give next() a "
                                   "default, such as next(values, None).")
            failure.__cause__ = e
            return failure
        except BaseException as e:
            return e
        return None


def _names(processor: str, what: str, names: Sequence[str]) -> List[str]:
    if isinstance(names, str):
        raise TypeError(f"The processor {processor}: {what} is a list of names; write {what}=[{names!r}].")
    found = list(names)
    for name in found:
        if not isinstance(name, str) or not name:
            raise TypeError(f"The processor {processor}: {name!r} among its {what} is no name.")
        if found.count(name) > 1:
            raise ValueError(f"The processor {processor} has {name} twice among its {what}.")
    return found
