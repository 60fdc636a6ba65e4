"""The functions of PythonChildTests. Lines say by themselves what is to happen."""

import asyncio
import os
import signal
import sys
import time
from dataclasses import dataclass

from sluice import IO, Checkpoint, Context, IOVal, IOWriter, SyncIO, SyncIOWriter, Worker

worker = Worker()


# --- the same as Combined.cs ---

@worker.processor(inputs=["n"], outputs=["a"], name="count-python")
async def count(n: IO[int]):
    for i in range(await n.first()):
        yield IOVal("a", i)


@worker.processor(inputs=["a"], outputs=["b"], name="sum-python")
def total(a: SyncIO[int]) -> int:
    return sum(a.stream())


@worker.processor(inputs=["a", "b"], outputs=["c"], name="pair-python")
async def pair(a: IO[int], b: IO[int], c: IOWriter[str]):
    async for value, other in a.stream_with(b, pad=True):
        await c.write(f"{value}-{'' if other is None else other}")


# --- lines ---

def obey(line: str) -> None:
    verb, _, rest = line.partition(" ")
    if verb == "once":
        path, _, then = rest.partition(" ")
        if os.path.exists(path):
            return
        open(path, "w").close()
        obey(then)
    elif verb == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "throw":
        check(rest)


def check(text: str) -> None:
    raise ValueError(text)


async def copy(line: IO[str], copy: IOWriter[str]):
    async for text in line.stream():
        obey(text)
        await copy.write(str(os.getpid()) if text == "pid" else text)


for resume in ("FromScratch", "PerItem"):
    worker.processor(inputs=["line"], outputs=["copy"], name=f"copy-{resume}")(copy)


@worker.processor(inputs=["line"], outputs=["copy"], name="copy-Checkpoint")
async def copy_counted(line: IO[str], copy: IOWriter[str], done: Checkpoint[int]):
    number = done.value or 0
    async for text in line.stream():
        obey(text)
        number += 1
        await copy.write(f"{number} {text}")
        await done.save(number)


@worker.processor(inputs=["line"], outputs=["copy"], name="copy-plain")
def copy_plain(line: SyncIO[str], copy: SyncIOWriter[str]):
    for text in line.stream():
        obey(text)
        copy.write(text)


@worker.processor(inputs=["a", "b"], outputs=["mixed"])
async def mix(a: IO[str], b: IO[str], context: Context):
    async for name, text in a.as_available(b):
        obey(text)
        yield IOVal("mixed", f"{name} {text} {context.now().isoformat()}")


@worker.processor(inputs=["x"], outputs=["y"])
async def echo(x: IO[int], y: IOWriter[int]):
    async for value in x.stream():
        await y.write(value)


@worker.processor(inputs=["x"], outputs=["y"])
async def flood(x: IO[str], y: IOWriter[int]):
    path, number = await x.first(), 0
    try:
        while True:
            await y.write(number)
            number += 1
    finally:
        with open(path, "w") as file:
            file.write(str(number))


@worker.processor(inputs=["x"], outputs=["y"])
async def sleeps(x: IO[str], y: IOWriter[int]):
    path = await x.first()
    try:
        await y.write(os.getpid())               # who sees the value knows that the function is here
        await asyncio.sleep(600)
    finally:
        open(path, "w").close()


@worker.processor(inputs=["x"], outputs=["y"])
def ignores(x: SyncIO[str], y: SyncIOWriter[int]):
    y.write(os.getpid())
    time.sleep(600)


@worker.processor(inputs=["x"], outputs=["y"])
async def spins(x: IO[str], y: IOWriter[int]):
    await y.write(os.getpid())
    await asyncio.sleep(0.01)                    # the value is sent
    while True:
        pass


@dataclass
class Order:
    id: int
    lines: "list[str]"


@worker.processor(inputs=["order"], outputs=["count"])
async def lines(order: IO[Order], count: IOWriter[int]):
    async for one in order.stream():
        await count.write(len(one.lines))


@worker.processor(inputs=["x"], outputs=["y"])
async def words(x: IO[int]):
    yield IOVal("y", "three" if await x.first() == 3 else 0)


@worker.processor(inputs=["x"], outputs=["y"])
async def large(x: IO[int]):
    yield IOVal("y", "x" * await x.first())


@worker.processor(inputs=["x"], outputs=["y"])
async def environment(x: IO[str], y: IOWriter[str]):
    async for name in x.stream():
        await y.write(sys.prefix if name == "prefix" else os.environ.get(name, "none"))
