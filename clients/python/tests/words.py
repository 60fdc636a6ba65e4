"""A module that the process tests serve."""

import asyncio
import multiprocessing
import os
import signal
import subprocess
import sys
import time

from sluice import IO, IOVal, SyncIO, Worker

print("printed by the module")
worker = Worker()


@worker.processor(inputs=["x"], outputs=["y"])
async def talks(x: IO[int]):
    async for value in x.stream():
        print("printed by the function", flush=True)
        subprocess.run([sys.executable, "-c", "print('printed by a process')"], check=True)
        yield IOVal("y", ["SLUICE_PROCESSORS" in os.environ or "SLUICE_PROTOCOL" in os.environ, value])


@worker.processor(inputs=["x"], outputs=["y"])
def hangs(x: SyncIO[int]):
    yield IOVal("y", os.getpid())
    while True:
        time.sleep(0.01)


@worker.processor(inputs=["x"], outputs=["y"])
async def blocks(x: IO[int]):
    yield IOVal("y", os.getpid())
    await asyncio.sleep(0)
    await asyncio.sleep(0.05)
    while True:
        pass


@worker.processor(inputs=["x"], outputs=["y"])
def pools(x: SyncIO[int]):
    with multiprocessing.get_context("fork").Pool(2) as pool:          # its end terminates the processes
        yield IOVal("y", sum(pool.map(abs, [-1, -2, 3])))


@worker.processor(inputs=["x"], outputs=["y"])
def ends_what_it_forks(x: SyncIO[int]):
    for _ in range(50):
        child = os.fork()
        if not child:
            time.sleep(10)                            # far longer than a signal takes
            os._exit(0)
        os.kill(child, signal.SIGTERM)                # at once, as a pool does that is ended while a process of it starts
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            raise RuntimeError("The signal was lost.")
    yield IOVal("y", "ended")


@worker.processor(inputs=["x"], outputs=["y"])
async def forks(x: IO[int]):
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        yield IOVal("y", "the original")
    yield IOVal("y", "both")                          # the copy comes back from its function, too


@worker.processor(inputs=["x"], outputs=["y"])
def leaves_a_fork(x: SyncIO[int]):
    child = os.fork()
    if child == 0:
        time.sleep(600)
    yield IOVal("y", child)
    time.sleep(600)                                   # until it is killed


@worker.processor(inputs=["x"], outputs=["y"])
async def dies(x: IO[int]):
    os._exit(7)
    yield


@worker.processor(inputs=["x"], outputs=["y"])
async def exits_in_a_task(x: IO[int]):
    async def inner():
        sys.exit(3)

    yield IOVal("y", 1)
    await asyncio.gather(inner())


@worker.processor(inputs=["x"], outputs=["y"])
async def copies(x: IO[int]):
    async for value in x.stream():
        yield IOVal("y", value)


@worker.processor(inputs=["x"], outputs=["y"])
def reads_in_a_fork(x: SyncIO[int]):
    child = multiprocessing.get_context("fork").Process(target=lambda: x.first())
    child.start()
    child.join()
    yield IOVal("y", child.exitcode)
