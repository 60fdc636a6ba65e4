"""The connection of a child to its parent, and the calls over it."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import socket
import sys
import threading
import time
from typing import Any, Callable, Dict, Optional

from . import _wire as wire
from ._call import Call
from ._errors import FlowError
from ._failures import failure_of
from ._plan import Plan
from ._registry import Worker

STOP_GRACE = 2.0
"""The seconds in which functions end once the parent is gone."""

_FLUSH = 1 << 16


class Connection(asyncio.Protocol):
    """Frames over a socket. Any thread sends; frames that are sent in one turn of the loop go out together."""

    def __init__(self, longest: int, on_frame: Callable[[bytes], None]) -> None:
        self._reader = wire.FrameReader(longest)
        self._on_frame = on_frame
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        # Nothing is called under the lock: at a call, the garbage collector may release a reading, which sends. If it does so anyway, the
        # same thread may enter.
        self._lock = threading.RLock()
        self._out = bytearray()
        self._held = 0
        self._is_flushing = self._is_writing = False
        self._transport: Optional[asyncio.Transport] = None
        self.ended: "asyncio.Future[None]" = self._loop.create_future()
        self.violation: Optional[str] = None
        self.on_lost: Optional[Callable[[], None]] = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self.violation is not None:
            return
        try:
            for frame in self._reader.feed(data):
                self._on_frame(frame)
        except wire.WireError as e:
            self.violation = str(e)
            self.close()

    def connection_lost(self, exc: Optional[Exception]) -> None:
        if self.on_lost is not None:
            self.on_lost()
        if not self.ended.done():
            self.ended.set_result(None)

    def send(self, data: bytes) -> None:
        length = len(data)
        with self._lock:
            self._out += data
            self._held = held = self._held + length
            is_first = not self._is_flushing
            self._is_flushing = True
        if threading.get_ident() == self._thread:
            if held > _FLUSH:
                self.flush()
            elif is_first:
                self._loop.call_soon(self.flush)
        elif is_first:
            try:
                self._loop.call_soon_threadsafe(self.flush)
            except RuntimeError:
                pass                                # the loop has ended

    def flush(self) -> None:
        """The loop's thread."""
        if self._is_writing:                        # the garbage collector sends in the midst of a flush, which goes first
            self._loop.call_soon(self.flush)
            return
        self._is_writing = True
        try:
            fresh = bytearray()
            with self._lock:
                data, self._out, self._held, self._is_flushing = self._out, fresh, 0, False
            if data and self._transport is not None and not self._transport.is_closing():
                self._transport.write(bytes(data))
        finally:
            self._is_writing = False

    def close(self) -> None:
        """Closes after what was sent."""
        self.flush()
        if self._transport is not None:
            self._transport.close()


class Calls:
    """The calls over a connection."""

    def __init__(self, worker: Worker, token: wire.Token) -> None:
        self._worker, self._token = worker, token
        self._calls: Dict[int, Call] = {}
        self._running: Dict[int, "asyncio.Task[None]"] = {}
        self.connection: Optional[Connection] = None

    def take(self, frame: bytes) -> None:
        number, message = wire.opened(frame)
        kind, content = message[0], wire.Content(message, 1)
        call = self._calls.get(number)
        if kind == wire.PLAN:
            if call is None and number not in self._running:
                self._open(number, message[1:])
            elif call is not None:
                raise wire.WireError("a second plan of a call.")
        elif call is None:
            return                                  # it has ended
        elif kind == wire.BEGIN:
            if number not in self._running:
                self._running[number] = asyncio.get_running_loop().create_task(self._run(call))
        elif kind == wire.CANCEL:
            call.cancel()
        else:
            call.take(kind, content)

    def _send(self, number: int, message: bytes) -> None:
        connection = self.connection
        if connection is not None:
            connection.send(wire.message(number, message[0], message[1:]))

    def _open(self, number: int, plan: bytes) -> None:
        self._calls[number] = Call(number, self._send, Plan.parse(plan), self._worker._codec, self._token,
                                   asyncio.get_running_loop())

    async def _run(self, call: Call) -> None:
        """Executes a function, and reports how it has ended. Never raises."""
        outcome: Dict[str, Optional[BaseException]] = {}

        async def execute() -> None:
            task = asyncio.current_task()
            assert task is not None
            call._on_cancel.add(task)
            try:
                call.check()
                function = self._worker._find(call.plan.processor)
                if function is None:
                    raise FlowError(self._worker._lacks(call.plan.processor))
                await function.run(call)
                await asyncio.sleep(0)              # tasks of writes that were begun show themselves
                call.close()
                outcome["failure"] = None
            except BaseException as e:              # SystemExit, KeyboardInterrupt: of the function, not of this process
                outcome["failure"] = e
            finally:
                call._on_cancel.discard(task)

        task = asyncio.get_running_loop().create_task(execute())
        await asyncio.wait({task})
        try:
            self._report(call, outcome.pop("failure", asyncio.CancelledError()))
        finally:
            call.end()
            self._calls.pop(call.number, None)
            self._running.pop(call.number, None)

    def _report(self, call: Call, failure: Optional[BaseException]) -> None:
        """Says how a function has ended; None if it has not failed."""
        if failure is None:
            call.say(wire.DONE)
        else:
            call.say(wire.FAILED, failure_of(failure, call).to_bytes())

    async def lose(self) -> bool:
        """The parent is gone: stops all functions. Returns whether they have ended in time."""
        for call in list(self._calls.values()):
            call.cancel()
            call.fail(FlowError("The service for which this function was executed has gone."))
        running = list(self._running.values())
        if running:
            await asyncio.wait(running, timeout=STOP_GRACE)
        return all(task.done() for task in running)


def watch(connected: socket.socket, seconds: float) -> None:
    """Ends this process some time after the parent has closed the connection, whatever a function does to the loop or ignores.

    Takes the connection from processes that functions fork. They would keep it open after the end of this one, and a copy that comes back
    from its function would answer a second time.
    """
    if not hasattr(select, "poll"):
        return
    number = os.dup(connected.fileno())
    kept = (connected.fileno(), number)
    forking = threading.local()

    # This process ignores the signals; one that it forks does not, from its first moment on: what comes before `leave` has to wait.
    def hold() -> None:
        forking.mask = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))

    def release() -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, forking.mask)

    def leave() -> None:
        try:
            Call.is_copy = True
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.default_int_handler)
            nothing = os.open(os.devnull, os.O_RDWR)
            for one in kept:
                os.dup2(nothing, one)
            os.close(nothing)
        finally:
            release()

    os.register_at_fork(before=hold, after_in_parent=release, after_in_child=leave)

    def look() -> None:
        poll = select.poll()
        poll.register(number, getattr(select, "POLLRDHUP", 0))
        poll.poll()
        time.sleep(seconds)
        os._exit(1)

    threading.Thread(target=look, name="sluice-parent", daemon=True).start()


def connect(token: wire.Token) -> Optional[socket.socket]:
    """The connection; None if the parent is gone, or does not want this process any more."""
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connected.connect(token.socket)
    except OSError:
        connected.close()
        return None
    connected.setblocking(False)
    return connected


async def serve(worker: Worker, token: wire.Token, connected: socket.socket) -> int:
    """Serves calls until the connection ends. Returns the exit code."""
    calls = Calls(worker, token)
    loop = asyncio.get_running_loop()
    _, protocol = await loop.create_connection(lambda: Connection(token.max_payload + wire.FRAME_ROOM, calls.take), sock=connected)
    connection: Any = protocol
    calls.connection = connection
    connection.send(wire.hello(token))
    connection.flush()
    await connection.ended
    has_ended = await calls.lose()
    if connection.violation is not None:
        print(f"A child process ends, because it was sent what it should not: {connection.violation}", file=sys.stderr)
        return 1
    if not has_ended:
        os._exit(0)
    return 0
