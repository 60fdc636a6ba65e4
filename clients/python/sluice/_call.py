"""A call: one execution of a processor's function for a service, which has the streams."""

from __future__ import annotations

import asyncio
import datetime as dt
import itertools
import sys
import threading
import time
from collections import deque
from typing import Any, Callable, Coroutine, Deque, Dict, List, Optional, Set, Tuple, TypeVar

from . import _wire as wire
from ._errors import FlowError, PayloadError, explain, received
from ._hash import chooser
from ._json import Codec, unfit

MERGE, LATEST, NEW, CLOCK = 1, 2, 3, 4
FROM_FIRST, FROM_LATEST, FROM_NEW = 0, 1, 2

_TURN = 0.002
_EPOCH = dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc)
_Result = TypeVar("_Result")

Send = Callable[[int, bytes], None]


class Reader:
    """One reader of an input: its places, and the values that have come and were not given out. Used by one loop at a time."""

    __slots__ = ("input", "number", "begun", "delivered", "passed", "told", "batch", "asked", "has_ended", "is_open")

    def __init__(self, input: "Input", number: int, begun: int) -> None:
        self.input, self.number, self.begun = input, number, begun
        self.delivered = self.passed = begun
        self.told = (begun, begun)
        self.batch: Deque[wire.Value] = deque()
        self.asked: Optional["asyncio.Future[bytes]"] = None
        self.has_ended = False
        self.is_open = True

    def take(self) -> bytes:
        """Gives out the next value that has come."""
        sequence, payload = self.batch.popleft()
        self.delivered = sequence + 1
        return payload

    def say_place(self) -> None:
        place = (self.delivered, self.passed)
        if place != self.told:
            self.told = place
            self.input.call.say(wire.AT, wire.numbers(self.number, *place))

    async def fetch(self) -> bool:
        """Waits until the next value has come; False at the end of the stream."""
        if self.batch:
            return True
        if self.has_ended:
            return False
        call = self.input.call
        call.check()
        if self.asked is None:
            self.say_place()
            self.asked = call.ask(wire.READ, wire.numbers(self.number))
        asked = self.asked
        # A cancelled read leaves its question open; the next read awaits the same one.
        await asyncio.wait({asked})
        if self.asked is not asked:                 # another reading task was faster
            return await self.fetch()
        self.asked = None
        is_complete, found = wire.values(wire.Content(asked.result()))
        self.input.is_complete |= is_complete
        self.batch.extend(found)
        self.has_ended = not found
        return bool(found)

    def release(self) -> None:
        """Lets the service forget it; does not wait. Any thread."""
        if self.is_open:
            self.is_open = False
            self.input.readers.discard(self)
            self.input.call.tell_release(self)


class Input:
    """An input of a call."""

    def __init__(self, call: "Call", name: str, index: int) -> None:
        self.call, self.name, self.index = call, name, index
        self.readers: Set[Reader] = set()
        self.is_complete = False

    async def open(self, place: int = FROM_FIRST, is_counted: bool = True) -> Reader:
        call = self.call
        call.check()
        number, chosen = 0, None
        if place != FROM_FIRST:
            kind = NEW if place == FROM_NEW else LATEST
            number = call.number_of(kind, self.name)
            chosen = call.replay(kind, number)
        question = call.ask(wire.OPEN, wire.numbers(self.index, place, int(is_counted), number, int(chosen is not None), chosen or 0))
        answer = wire.Content(await question)
        reader = Reader(self, answer.number(), answer.number())
        self.readers.add(reader)
        return reader


class Output:
    """An output of a call. Any thread writes; what is on its way is bounded by the credit of the service."""

    def __init__(self, call: "Call", name: str, index: int, plan: wire.StreamPlan) -> None:
        self.call, self.name, self.index, self.plan = call, name, index, plan
        self.count = 0
        self.pending = 0                            # writes that were begun and have not ended
        self._lock = threading.Lock()
        self._values = self._bytes = 0              # on their way
        self._room: List["asyncio.Future[None]"] = []

    def encode(self, value: Any) -> bytes:
        """Raises PayloadError, which names the output and the value."""
        call = self.call
        try:
            why = unfit(self.plan.type, value)
            if why is not None:
                raise PayloadError(f"{wire.short(repr(value), 100)} does not fit: {why}")
            payload = call.codec.write(value)
            for most, limit in ((call.max_payload, "MaxValueBytes of the executor's options"),
                                (self.plan.max_item_bytes, "FlowStreamOptions.MaxItemBytes")):
                if len(payload) > most:
                    raise PayloadError(f"it has {len(payload):,} bytes, and {most:,} are allowed ({limit}). Store it elsewhere and put out "
                                       "a reference, or raise the limit")
            return payload
        except PayloadError as e:
            raise PayloadError(f"The value {self.count} (from 0) of the output {self.name} of the processor {call.plan.processor}, "
                               f"of the type {type(value).__name__}, cannot be put out: {e}.") from e.__cause__

    def try_put(self, payload: bytes) -> bool:
        """Sends a value if there is credit."""
        with self._lock:
            self.call.check()
            if self.call.is_closed:
                raise self._too_late()
            if self._values >= wire.MAX_VALUES or self._bytes >= wire.MAX_BYTES:
                return False
            self._values += 1
            self._bytes += len(payload)
            self.count += 1
            self.call.say(wire.PUT, wire.numbers(self.index) + payload)
            return True

    async def put(self, payload: bytes) -> None:
        while not self.try_put(payload):
            room: "asyncio.Future[None]" = asyncio.get_running_loop().create_future()
            with self._lock:
                if self._values < wire.MAX_VALUES and self._bytes < wire.MAX_BYTES:
                    continue
                self._room.append(room)
            await room
        await self.call.breathe()

    def refill(self, values: int, size: int) -> None:
        with self._lock:
            if values < 0 or size < 0 or values > self._values or size > self._bytes:
                raise wire.WireError(f"a credit of {values:,} values and {size:,} bytes, which were not on their way.")
            self._values -= values
            self._bytes -= size
        self.wake()

    def wake(self) -> None:
        """Lets waiting writers look again. The thread of the loop."""
        with self._lock:
            waiting, self._room = self._room, []
        for room in waiting:
            if not room.done():
                room.set_result(None)

    def _too_late(self) -> FlowError:
        text = (f"The processor {self.call.plan.processor} of the run {self.call.plan.run} wrote a value to {self.name} after its function "
                "had returned. Nothing can take it any more: the value is lost. Await every write, and all work that writes, before the "
                "function returns.")
        if not self.call.is_cancelled:
            print(text, file=sys.stderr)
        return FlowError(text)


class Call:
    """One execution of a function. The loop's thread, unless a member says otherwise."""

    def __init__(self, number: int, send: Send, plan: wire.Plan, codec: Codec, max_payload: int,
                 loop: asyncio.AbstractEventLoop) -> None:
        self.number, self.plan, self.codec, self.max_payload, self.loop = number, plan, codec, max_payload, loop
        self._send = send
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._questions = itertools.count(1)
        self._asked: Dict[int, "asyncio.Future[bytes]"] = {}
        self._fault: Optional[BaseException] = None
        self._known: Optional[Dict[Tuple[int, int], Deque[int]]] = {} if plan.resume == "FromScratch" else None
        self._named: Dict[Tuple[int, str], int] = {}
        self._turned = time.monotonic()
        self._loop_of: Optional[str] = None
        self._loop_failure: Optional[FlowError] = None
        self._on_cancel: Set["asyncio.Task[Any]"] = set()
        self.is_cancelled = False
        self.is_closed = False                      # the function has returned
        self.state = plan.state
        self.inputs = {name: Input(self, name, index) for index, name in enumerate(plan.inputs)}
        self.outputs = {name: Output(self, name, index, plan.streams.get(name, wire.StreamPlan(name)))
                        for index, name in enumerate(plan.outputs)}

    # --- to the service ---

    def say(self, kind: int, content: bytes = b"") -> None:
        """Sends a message. Any thread."""
        self._send(self.number, bytes((kind,)) + content)

    def ask(self, kind: int, content: bytes) -> "asyncio.Future[bytes]":
        if self._fault is not None:
            raise self._fault
        number = next(self._questions)
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

        if threading.get_ident() == self._thread:
            release()
        elif not self.loop.is_closed():
            self.loop.call_soon_threadsafe(release)

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

    async def breathe(self) -> None:
        """Lets the loop send and receive if the function has kept it busy."""
        if time.monotonic() - self._turned > _TURN:
            await asyncio.sleep(0)
            self._turned = time.monotonic()
            self.check()

    def check(self) -> None:
        """Raises what has ended the call. Any thread."""
        if self.is_cancelled:
            raise asyncio.CancelledError("The execution of the function was cancelled.")
        if self._fault is not None:
            raise self._fault

    # --- choices ---

    def number_of(self, kind: int, streams: str) -> int:
        if self._known is None:
            return 0
        before = self._named.get((kind, streams), 0)
        self._named[(kind, streams)] = before + 1
        return chooser(streams, before)

    def replay(self, kind: int, number: int) -> Optional[int]:
        known = self._known.get((kind, number)) if self._known is not None else None
        return known.popleft() if known else None

    def chose(self, kind: int, number: int, value: int) -> None:
        if self._known is not None:
            self.say(wire.CHOSEN, wire.numbers(kind, number, value))

    def now(self) -> dt.datetime:
        """The time; a repeated start of a function that resumes from scratch gets the same. Any thread."""
        with self._lock:
            known = self.replay(CLOCK, 0)
            if known is not None:
                return _EPOCH + dt.timedelta(microseconds=known // 10)
            now = dt.datetime.now(dt.timezone.utc)
            since = now - _EPOCH
            self.chose(CLOCK, 0, (since.days * 86_400_000_000 + since.seconds * 1_000_000 + since.microseconds) * 10)
            return now

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
            if output.pending > 0:
                writes = "1 write" if output.pending == 1 else f"{output.pending:,} writes"
                raise FlowError(f"The function of the processor {self.plan.processor} has returned while {writes} to {output.name} had not "
                                "ended. Await every write, and all work that writes, before the function returns.")
        self.is_closed = True

    def end(self) -> None:
        self.is_closed = True
        self.fail(FlowError(f"The function of the processor {self.plan.processor} has ended: nothing can be read or put out any more."))

    def input(self, name: str) -> Input:
        return _find("input", name, self.inputs, self.plan)

    def output(self, name: str) -> Output:
        return _find("output", name, self.outputs, self.plan)

    # --- for plain functions, on threads of their own ---

    def wait_for(self, work: "Coroutine[Any, Any, _Result]") -> _Result:
        """Waits on another thread than the loop's for work on the loop. Ends early if the execution is cancelled."""
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

    def know(self, choices: bytes) -> None:
        if len(choices) % 13:
            raise wire.WireError("Choices are cut off.")
        if self._known is None:
            return
        for at in range(0, len(choices), 13):
            number = int.from_bytes(choices[at + 1 : at + 5], "little", signed=True)
            value = int.from_bytes(choices[at + 5 : at + 13], "little", signed=True)
            self._known.setdefault((choices[at], number), deque()).append(value)

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
            self.know(content.rest())
        else:
            raise wire.WireError(f"a message of the kind {kind}.")


_Port = TypeVar("_Port")


def _find(kind: str, name: str, ports: Dict[str, _Port], plan: wire.Plan) -> _Port:
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
