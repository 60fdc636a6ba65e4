"""How a call of Executor.Celery ends when its process, or its time, ends."""

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from pathlib import Path

import sluice
from celery_service import Service, header
from sluice import Worker, _celery_call
from sluice import _wire as wire
from sluice.celery import Address

FORKS = """
import os, sys, celery
from sluice import IOVal, Worker
from sluice.celery import serve

worker = Worker()

@worker.processor(outputs=["out"])
async def copy():
    if os.fork() == 0:
        os.read(0, 1)                               # lives until the test ends
        os._exit(0)
    os.kill(os.getpid(), 9)
    yield IOVal("out", 1)

task = serve(celery.Celery("test", broker="memory://", set_as_current=False), worker)
task.push_request(sluice=sys.argv[1], id="task-1", hostname="celery@test", timelimit=[None, None])
task.run(processor="copy", run="r1")
"""


def test_a_process_that_a_function_has_forked_does_not_keep_the_connection_of_a_killed_worker():
    def play(peer):
        peer.connected.settimeout(60)
        peer.frame()
        peer.plan()
        while peer.message() is not None:
            pass

    service = Service(play)
    environment = {**os.environ, "PYTHONPATH": str(Path(sluice.__file__).parent.parent)}
    killed = subprocess.Popen([sys.executable, "-c", FORKS, header(service.port)], stdin=subprocess.PIPE, env=environment)
    try:
        assert killed.wait(60) == -9
        service.thread.join(60)
        assert not service.thread.is_alive()        # it has seen the end, although the forked process lives
        service.end()
    finally:
        killed.stdin.close()


def test_a_function_that_ignores_its_soft_time_limit_fails_and_is_not_taken_for_lost(monkeypatch):
    monkeypatch.setattr(_celery_call, "SOFT_SECONDS", 0.05)
    begun, may_end, said, stubborn = threading.Event(), threading.Event(), [], Worker()

    @stubborn.processor(outputs=["out"])
    def copy() -> int:
        begun.set()
        may_end.wait(60)
        return 1

    def play(peer):
        peer.frame()
        peer.plan()
        message = peer.message()
        assert message[0] == wire.FAILED
        said.append(wire.Failure.read(wire.Content(message, 1)))

    service = Service(play)
    ended = _celery_call.Ended()
    thread = threading.Thread(target=_celery_call.execute, args=(stubborn, Address.parse(header(service.port)), "celery@test", ended))
    thread.start()
    assert begun.wait(30)
    ended.stop("The soft time limit.")
    outcome = ended.wait(30)
    service.end()
    may_end.set()
    thread.join(30)
    assert outcome.failure == "The soft time limit." and outcome.is_stuck
    assert (said[0].type, said[0].message) == ("SoftTimeLimitExceeded", "The soft time limit. It has not ended after that.")


def test_a_worker_that_reaches_its_soft_time_limit_before_its_call_begins_takes_no_call(monkeypatch):
    monkeypatch.setattr(_celery_call, "SOFT_SECONDS", 600)
    connected = threading.Event()

    def play(peer):
        peer.frame()
        connected.set()
        assert peer.frame() is None

    service = Service(play)
    ended = _celery_call.Ended()
    thread = threading.Thread(target=_celery_call.execute, args=(Worker(), Address.parse(header(service.port)), "celery@test", ended),
                              daemon=True)
    thread.start()
    assert connected.wait(30)
    ended.stop("The soft time limit.")
    outcome = ended.wait(30)
    service.end()
    assert outcome is not None and outcome.failure == "The soft time limit." and not outcome.is_stuck


def test_a_soft_time_limit_after_the_end_of_the_call_changes_nothing():
    def play(peer):
        peer.frame()
        peer.plan()
        assert peer.message()[0] == wire.FAILED     # it has no such processor

    service = Service(play)
    ended = _celery_call.Ended()
    _celery_call.execute(Worker(), Address.parse(header(service.port)), "celery@test", ended)
    service.end()
    before = ended.wait(0)
    ended.stop("The soft time limit.")              # its loop is closed
    assert ended.wait(0) is before is not None


def test_an_address_that_drops_all_packets_does_not_use_up_the_time_for_connecting():
    """The name of a service may have an address of IPv6 that does not work."""
    async def go():
        loop = asyncio.get_running_loop()
        server = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        connect, tried = loop.sock_connect, []

        async def resolve(*_, **__):
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port)) for host in ("192.0.2.1", "127.0.0.1")]

        async def sock_connect(one, address):
            tried.append(address[0])
            await (loop.create_future() if address[0] == "192.0.2.1" else connect(one, address))

        loop.getaddrinfo, loop.sock_connect = resolve, sock_connect
        address = Address.parse(header(port))._replace(host="service")
        connection = await asyncio.wait_for(_celery_call._connect(address, _celery_call._OneCall(Worker(), address.token), loop), 30)
        assert tried == ["192.0.2.1", "127.0.0.1"]
        connection.close()
        server.close()

    asyncio.run(go())


def test_a_plan_that_comes_after_the_soft_time_limit_is_not_taken():
    async def go():
        call = _celery_call._OneCall(Worker(), Address.parse(header(1)).token)
        call.stop("The soft time limit.")
        call.take(wire.message(1, wire.PLAN, json.dumps({"Run": "r1", "Processor": {"Name": "copy"}}).encode())[4:])
        assert not call._calls and not call.begun.done() and call.reported.done()

    asyncio.run(go())
