"""Executes functions of a worker by the fake parent."""

import asyncio

from fake_parent import LIMIT, Parent
from sluice import Worker


def run(worker, processor, inputs, outputs, **more):
    async def go():
        async with Parent(worker) as parent:
            return await parent.call(processor, inputs, outputs, **more).values()

    return asyncio.run(go())


def fail(worker, processor, inputs, outputs, **more):
    async def go():
        async with Parent(worker) as parent:
            return await parent.call(processor, inputs, outputs, **more).failed()

    return asyncio.run(go())


def fails(function, inputs=("x",), outputs=("y", "words"), **more):
    """How a function has failed."""
    worker = Worker()
    worker.processor(inputs=inputs, outputs=outputs, name="work")(function)
    return fail(worker, "work", {name: [1, 2] for name in inputs}, outputs, **more)


async def until(condition):
    async def wait():
        while not condition():
            await asyncio.sleep(0.001)

    await asyncio.wait_for(wait(), LIMIT)
