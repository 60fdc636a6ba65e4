"""A processor that a Celery worker executes: the connection to the service, and the one call over it."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import select
import socket
import ssl
import sys
import threading
import traceback
from typing import Any, Dict, NamedTuple, Optional, Set, Tuple

from . import _wire as wire
from ._call import Call
from ._errors import FlowError
from ._failures import failure_of
from ._link import STOP_GRACE, Calls, Connection
from ._registry import Worker
from ._running import run_loop

CONNECT_SECONDS = 10.0
"""The time for connecting."""

STOP_SECONDS = 1.0
"""The time in which a function ends once the service is gone."""

SOFT_SECONDS = 3.0
"""The time in which a function ends after its soft time limit. Then the worker ends the call without it."""

_NEXT_ADDRESS_SECONDS = 0.25
"""The time after which another address of the service is tried, too: one that drops all packets would use up the time for connecting."""

_CLOSE_SECONDS = 10.0
_TRACE = 3_000

_live: Dict[int, Tuple[int, int]] = {}
"""The descriptors of connections to services, and the files that they are."""


def _keep(number: int) -> None:
    found = os.fstat(number)
    _live[number] = (found.st_dev, found.st_ino)


def _leave_in_child() -> None:
    """Takes the connections from a process that a function has forked.

    It would keep them open after the end of this worker, and a copy that comes back from its function would answer a second time.
    """
    if not _live:
        return                                      # the worker makes a process of its pool
    nothing = os.open(os.devnull, os.O_RDWR)
    for number, file in list(_live.items()):
        try:
            found = os.fstat(number)
        except OSError:
            continue                                # closed meanwhile
        if (found.st_dev, found.st_ino) == file:
            os.dup2(nothing, number, inheritable=False)
    os.close(nothing)
    _live.clear()
    Call.is_copy = True


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_leave_in_child)


class Outcome(NamedTuple):
    """How a call has ended."""

    text: str
    failure: Optional[str] = None
    is_stuck: bool = False


class Ended:
    """The end of a call, for the thread that waits for it."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._outcome: Optional[Outcome] = None
        self._lock = threading.Lock()
        self._stop: Any = None
        self._why: Optional[str] = None

    def set(self, outcome: Outcome) -> None:
        with self._lock:
            if self._outcome is None:
                self._outcome = outcome
        self._event.set()

    @property
    def is_over(self) -> bool:
        return self._event.is_set()

    def wait(self, seconds: Optional[float] = None) -> Optional[Outcome]:
        """None if it has not ended in time."""
        self._event.wait(seconds)
        return self._outcome

    def stop(self, why: str) -> None:
        """Ends the function with a failure. Any thread."""
        with self._lock:
            self._why = why
            stop = self._stop
        if stop is not None:
            try:
                stop(why)
            except RuntimeError:
                pass                                # its loop is closed: the call has ended

    def on_stop(self, stop: Any) -> None:
        with self._lock:
            self._stop = stop
            why = self._why
        if why is not None:
            stop(why)


class _OneCall(Calls):
    """The only call of a connection."""

    def __init__(self, worker: Worker, token: wire.Token) -> None:
        super().__init__(worker, token)
        loop = asyncio.get_running_loop()
        self.begun: "asyncio.Future[None]" = loop.create_future()
        self.reported: "asyncio.Future[Outcome]" = loop.create_future()
        self.why_stopped: Optional[str] = None

    def take(self, frame: bytes) -> None:
        if self.reported.done():
            return                                  # too late
        if not self.begun.done():
            self.begun.set_result(None)
        super().take(frame)

    def stop(self, why: str) -> None:
        self.why_stopped = why
        if not self.begun.done():                   # no function begins any more, so the service looks for another worker
            if not self.reported.done():
                self.reported.set_result(Outcome("", why))
            return
        for call in list(self._calls.values()):
            call.cancel()
        asyncio.get_running_loop().call_later(SOFT_SECONDS, self._give_up, why)

    def _give_up(self, why: str) -> None:
        """The function ignores its end: the service is told without it, or it would take the end of this process for a loss."""
        if self.reported.done():
            return
        for call in list(self._calls.values()):
            call.say(wire.FAILED, wire.Failure(0, wire.FLOW, "SoftTimeLimitExceeded", f"{why} It has not ended after that.").to_bytes())
        self.reported.set_result(Outcome("", why, is_stuck=True))

    def _report(self, call: Call, failure: Optional[BaseException]) -> None:
        outcome = Outcome(f"the processor {call.plan.processor} has ended")
        if self.reported.done():
            return                                  # too late
        if failure is None:
            call.say(wire.DONE)
        elif self.why_stopped is not None and isinstance(failure, asyncio.CancelledError):
            outcome = outcome._replace(failure=self.why_stopped)
            call.say(wire.FAILED, wire.Failure(0, wire.FLOW, "SoftTimeLimitExceeded", self.why_stopped).to_bytes())
        else:
            said = failure_of(failure, call)
            if said.details:                        # the end of the traceback belongs to the failure
                text = f"{said.message}\n{wire.tail(said.details, _TRACE)}"
                said = wire.Failure(said.id, said.kind, said.type, wire.short(text, wire.MAX_MESSAGE - 1), said.processor)
            if said.kind == wire.CANCELLED:
                outcome = Outcome(f"the processor {call.plan.processor} was cancelled by its service")
            else:
                outcome = outcome._replace(failure=f"{said.type}: {said.message}")
            call.say(wire.FAILED, said.to_bytes())
        self.reported.set_result(outcome)


def execute(worker: Worker, address: Any, name: str, ended: Ended) -> None:
    """Connects to the service and serves its call. Never raises."""
    async def serve() -> None:
        # Told here: the end of the loop waits for functions that ignore it.
        ended.set(await _serve(worker, address, name, ended))

    try:
        run_loop(serve())
    except BaseException:
        ended.set(Outcome("", f"The connection to the service has failed.\n{traceback.format_exc()}"))


async def _serve(worker: Worker, address: Any, name: str, ended: Ended) -> Outcome:
    loop = asyncio.get_running_loop()
    call = _OneCall(worker, address.token)
    nobody = Outcome(f"nobody waits for this task any more at {address.host}:{address.port}")
    try:
        connection = await asyncio.wait_for(_connect(address, call, loop), CONNECT_SECONDS)
    except (OSError, asyncio.TimeoutError) as e:
        return nobody._replace(text=f"{nobody.text} ({type(e).__name__})")
    call.connection = connection
    connection.send(wire.hello(address.token, name))
    connection.flush()
    _guard(connection, ended)
    ended.on_stop(lambda why: loop.call_soon_threadsafe(call.stop, why))
    # The service may wait for its own limits before it begins. If it needs nothing, it closes the connection.
    first: Set["asyncio.Future[Any]"] = {call.begun, call.reported, connection.ended}
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    if not call.begun.done():
        connection.close()
        return nobody._replace(failure=call.why_stopped)
    ends: Set["asyncio.Future[Any]"] = {call.reported, connection.ended}
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    if call.reported.done():
        # The service closes the connection when it has read everything; closing it first could lose the end of it.
        connection.flush()
        await asyncio.wait({connection.ended}, timeout=_CLOSE_SECONDS)
        connection.close()
        return call.reported.result()
    if connection.violation is not None:
        print(f"sluice.celery: a call ends, because it was sent what it should not: {connection.violation}", file=sys.stderr)
    running = list(call._running.values())
    await call.lose()
    if running:
        await asyncio.wait(running, timeout=STOP_SECONDS)
    return Outcome("the service has gone, or needs the processor no more", is_stuck=any(not task.done() for task in running))


async def _connect(address: Any, call: _OneCall, loop: asyncio.AbstractEventLoop) -> Connection:
    context: Optional[ssl.SSLContext] = None
    if address.certificate is not None:
        # The task says which certificate to expect, so it needs no authority. The secret is sent when that has been compared.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_2
    transport, connection = await loop.create_connection(
        lambda: Connection(address.token.max_payload + wire.FRAME_ROOM, call.take), address.host, address.port, ssl=context,
        happy_eyeballs_delay=_NEXT_ADDRESS_SECONDS)
    if context is not None:
        certificate = transport.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
        if not hmac.compare_digest(hashlib.sha256(certificate).hexdigest(), str(address.certificate).lower()):
            transport.abort()
            raise FlowError(f"The service at {address.host}:{address.port} has another certificate than its task says. Somebody may be in "
                            "between.")
    connected = transport.get_extra_info("socket")
    _watch(connected)
    number = connected.fileno()
    _keep(number)
    connection.on_lost = lambda: _live.pop(number, None) and None
    return connection


def _guard(connection: Connection, ended: Ended) -> None:
    """Ends the call some time after the service has closed the connection, although a function keeps the loop busy."""
    transport: Any = connection._transport
    if not hasattr(select, "poll") or transport is None:
        return
    number = os.dup(transport.get_extra_info("socket").fileno())
    _keep(number)

    def look() -> None:
        poll = select.poll()
        poll.register(number, getattr(select, "POLLRDHUP", 0))
        while not ended.is_over and not poll.poll(1_000):
            pass
        _live.pop(number, None)
        os.close(number)
        if ended.wait(STOP_GRACE + STOP_SECONDS + 1) is None:
            ended.set(Outcome("the service has gone", is_stuck=True))

    threading.Thread(target=look, name="sluice-service", daemon=True).start()


def _watch(connected: Any) -> None:
    """A machine that is gone says nothing: the system asks it."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for option, value in (("TCP_KEEPIDLE", 15), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 4), ("TCP_USER_TIMEOUT", 35_000)):
        if hasattr(socket, option):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)
