"""Functions that copy and that flood, for the tests of the protocol."""

import asyncio

from fake_parent import LIMIT, Parent
from sluice import IO, Context, IOVal, IOWriter, SyncIO, SyncIOWriter, Worker

worker = Worker()


@worker.processor(inputs=["x"], outputs=["y"])
async def copy(x: IO[int]):
    async for value in x.stream():
        yield IOVal("y", value)


@worker.processor(inputs=["x"], outputs=["y"])
def copy_plain(x: SyncIO[int], y: SyncIOWriter[int]):
    for value in x.stream():
        y.write(value)


@worker.processor(inputs=[], outputs=["y"])
async def flood(y: IOWriter[str], context: Context):
    for i in range(5000):
        await y.write("a" * 10)


@worker.processor(inputs=[], outputs=["y"])
def flood_plain(y: SyncIOWriter[str]):
    for i in range(5000):
        y.write("a" * 10)


def go(test, *arguments, **more):
    async def inner():
        async with Parent(worker, **more) as parent:
            return await test(parent, *arguments)

    return asyncio.run(asyncio.wait_for(inner(), 2 * LIMIT))
