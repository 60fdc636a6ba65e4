"""How a call of Executor.Celery ends when its process, or its time, ends."""

import asyncio
import json
import os
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


def test_a_plan_that_comes_after_the_soft_time_limit_is_not_taken():
    async def go():
        call = _celery_call._OneCall(Worker(), Address.parse(header(1)).token)
        call.stop("The soft time limit.")
        call.take(wire.message(1, wire.PLAN, json.dumps({"Run": "r1", "Processor": {"Name": "copy"}}).encode())[4:])
        assert not call._calls and not call.begun.done() and call.reported.done()

    asyncio.run(go())
