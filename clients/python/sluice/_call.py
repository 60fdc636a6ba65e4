"""A call: one execution of a processor's function for a service, which has the streams."""

from __future__ import annotations

import asyncio
import os
import sys
import threading
import time
from typing import Any, Callable, Coroutine, Dict, NoReturn, Optional, Set, TypeVar

from . import _wire as wire
from ._choices import Choices
from ._errors import FlowError, explain, received
from ._payloads import Codec
from ._plan import Plan, StreamPlan
from ._output import Output
from ._ports import Input, Reader

_TURN = 0.002
_Result = TypeVar("_Result")

Send = Callable[[int, bytes], None]


class Call:
    """One execution of a function. The loop's thread, unless a member says otherwise."""

    is_copy = False
    """Whether this is a process that a function has forked, which has no connection."""

    def __init__(self, number: int, send: Send, plan: Plan, codec: Codec, token: wire.Token,
                 loop: asyncio.AbstractEventLoop) -> None:
        self.number, self.plan, self.codec, self.loop = number, plan, codec, loop
        self.max_payload, self.payload_option = token.max_payload, token.option
        self._send = send
        self._thread = threading.get_ident()
        self.questions = 0
        """The number of questions that were asked, which is the number of the last one."""
        self._asked: Dict[int, "asyncio.Future[bytes]"] = {}
        self._fault: Optional[BaseException] = None
        self.choices = Choices(plan.resume == "FromScratch", self.say)
        self._turned = time.monotonic()
        self._is_cut_off = False                    # the last breath
        self._loop_of: Optional[str] = None
        self._loop_failure: Optional[FlowError] = None
        self._on_cancel: Set["asyncio.Task[Any]"] = set()
        self.is_cancelled = False
        self.is_closed = False                      # the function has returned
        self.state = plan.state
        self.inputs = {name: Input(self, name, index) for index, name in enumerate(plan.inputs)}
        self.outputs = {name: Output(self, name, index, plan.streams.get(name, StreamPlan(name)))
                        for index, name in enumerate(plan.outputs)}

    # --- to the service ---

    def say(self, kind: int, content: bytes = b"") -> None:
        """Sends a message. Any thread."""
        if Call.is_copy:
            self._end_copy()
        self._send(self.number, bytes((kind,)) + content)

    def _end_copy(self) -> NoReturn:
        print(f"A process that the function of the processor {self.plan.processor} has forked came back from it, or reads or writes, and "
              "ends: it has no connection to the service. Read and write in the function's own process, and end forked ones by os._exit.",
              file=sys.stderr, flush=True)
        os._exit(1)

    def ask(self, kind: int, content: bytes) -> "asyncio.Future[bytes]":
        if self._fault is not None:
            raise self._fault.with_traceback(None)      # otherwise it grows with each raise
        number = self.questions = self.questions + 1
        answer: "asyncio.Future[bytes]" = self.loop.create_future()
        answer.add_done_callback(_observe)
        self._asked[number] = answer
        self.say(kind, wire.numbers(number) + content)
        return answer

    def tell_release(self, reader: Reader) -> None:
        """Any thread: the garbage collector may call it."""
        def release() -> None:
            if self.is_closed or self._fault is not None:
                return
            reader.say_place()
            self.ask(wire.RELEASE, wire.numbers(reader.number))

        self.on_loop(release)

    def on_loop(self, work: Callable[[], None]) -> None:
        """Does it at once on the loop's thread, and soon from any other one."""
        if threading.get_ident() == self._thread:
            work()
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(work)

    async def save(self, state: bytes) -> None:
        self.check()
        for one in self.inputs.values():
            for reader in list(one.readers):
                reader.say_place()
        await self.ask(wire.SAVE, state)
        self.state = state

    def reach(self, may_wait: bool) -> None:
        """All values given out were processed."""
        if self.plan.resume != "PerItem":
            return
        self.check()
        for one in self.inputs.values():
            for reader in list(one.readers):
                reader.say_place()
        self.say(wire.REACH, wire.numbers(int(may_wait)))

    def is_busy(self) -> bool:
        """Whether the function has kept the loop busy for some time."""
        return time.monotonic() - self._turned > _TURN

    async def breathe(self) -> None:
        """Lets the loop send and receive if the function has kept it busy."""
        if not self.is_busy():
            return
        # After a breath that a time limit has cut off, the next one is left out: a limit of zero would cut off all of them.
        if not self._is_cut_off:
            self._is_cut_off = True
            await asyncio.sleep(0)
        self._is_cut_off = False
        self._turned = time.monotonic()
        self.check()

    def check(self) -> None:
        """Raises what has ended the call. Any thread."""
        if Call.is_copy:
            self._end_copy()
        if self.is_cancelled:
            raise asyncio.CancelledError("The execution of the function was cancelled.")
        if self._fault is not None:
            raise self._fault.with_traceback(None)      # otherwise it grows with each raise

    # --- loops of a processor that resumes per item ---

    def enter(self, streams: str) -> bool:
        if self.plan.resume != "PerItem":
            return False
        if self._loop_of is not None:
            self._loop_failure = FlowError(
                f"The processor {self.plan.processor} reads {streams} while it reads {self._loop_of}. It resumes per item, and would be "
                "committed in the middle of items. Read them together (stream_with, as_available), one behind the other, or let it resume "
                "from scratch.")
            raise self._loop_failure
        self._loop_of = streams
        return True

    def leave(self) -> None:
        self._loop_of = None

    # --- the end ---

    def close(self) -> None:
        """The function has returned. Raises if it has done something that would be lost."""
        if self._loop_failure is not None:
            raise self._loop_failure
        for output in self.outputs.values():
            left = output.close()
            if left > 0:
                writes = "1 write" if left == 1 else f"{left:,} writes"
                raise FlowError(f"The function of the processor {self.plan.processor} has returned while {writes} to {output.name} had not "
                                "ended. Await every write, and all work that writes, before the function returns.")
        self.is_closed = True

    def end(self) -> None:
        self.is_closed = True
        for output in self.outputs.values():
            output.close()
        self.fail(FlowError(f"The function of the processor {self.plan.processor} has ended: nothing can be read or put out any more."))

    def input(self, name: str) -> Input:
        return _find("input", name, self.inputs, self.plan)

    def output(self, name: str) -> Output:
        return _find("output", name, self.outputs, self.plan)

    # --- for plain functions, on threads of their own ---

    def wait_for(self, work: "Coroutine[Any, Any, _Result]") -> _Result:
        """Waits on another thread than the loop's for work on the loop. Ends early if the execution is cancelled."""
        if Call.is_copy:
            self._end_copy()

        async def run() -> _Result:
            task = asyncio.current_task()
            assert task is not None
            self._on_cancel.add(task)
            try:
                return await work
            finally:
                self._on_cancel.discard(task)

        if threading.get_ident() == self._thread:
            work.close()
            raise FlowError("This waits for the service on the thread that receives its answers. Call it in a plain function; an async "
                            "function has IO, IOWriter and Checkpoint with await.")
        try:
            return asyncio.run_coroutine_threadsafe(run(), self.loop).result()
        except asyncio.CancelledError:
            raise
        except BaseException as e:
            if type(e).__name__ == "CancelledError":          # of concurrent.futures
                raise asyncio.CancelledError("The execution of the function was cancelled.") from None
            raise

    # --- from the service ---

    def cancel(self) -> None:
        self.is_cancelled = True
        for task in list(self._on_cancel):
            task.cancel()

    def fail(self, why: BaseException) -> None:
        """Fails all open and later requests."""
        if self._fault is None:
            self._fault = why
        asked, self._asked = self._asked, {}
        for question in asked.values():
            _refuse(question, why)
        for output in self.outputs.values():
            output.wake()

    def take(self, kind: int, content: wire.Content) -> None:
        """Takes a message other than plan, begin and cancel."""
        if kind == wire.ANSWER:
            question = self._asked.pop(content.number(), None)
            if question is not None and not question.done():
                question.set_result(content.rest())
        elif kind == wire.REFUSAL:
            question = self._asked.pop(content.number(), None)
            why = received(wire.Failure.read(content))
            if question is not None:
                _refuse(question, why)
        elif kind == wire.FAULT:
            self.fail(received(wire.Failure.read(content)))
        elif kind == wire.CREDIT:
            index, values, size = content.number(), content.number(), content.number()
            if not 0 <= index < len(self.plan.outputs):
                raise wire.WireError(f"there is no stream {index}.")
            self.outputs[self.plan.outputs[index]].refill(values, size)
        elif kind == wire.CHOICES:
            self.choices.know(content.rest())
        else:
            raise wire.WireError(f"a message of the kind {kind}.")


_Port = TypeVar("_Port")


def _find(kind: str, name: str, ports: Dict[str, _Port], plan: Plan) -> _Port:
    if name in ports:
        return ports[name]
    raise FlowError(f"The processor {plan.processor}: {explain(kind, name, list(ports))}")


def _refuse(question: "asyncio.Future[bytes]", why: BaseException) -> None:
    if question.done():
        return
    if isinstance(why, asyncio.CancelledError):
        question.cancel()
    else:
        question.set_exception(why)


def _observe(answer: "asyncio.Future[bytes]") -> None:
    if not answer.cancelled():
        answer.exception()
