"""Cancellation, the end of the parent, and calls at the same time."""

import asyncio
import json

import pytest

from copies import go
from fake_parent import Parent, Stream
from playing import until
from sluice import IO, Context, IOVal, IOWriter, SyncIO, SyncIOWriter, Worker


cancelled = Worker()
seen = []


@cancelled.processor(inputs=["x"], outputs=["y"])
async def cleans(x: IO[int], context: Context):
    try:
        async for value in x.stream():
            yield IOVal("y", value)
    finally:
        seen.append(("cleaned", context.is_cancelled))


@cancelled.processor(inputs=["x"], outputs=["y"])
def cleans_plain(x: SyncIO[int], y: SyncIOWriter[int], context: Context):
    try:
        for value in x.stream():
            y.write(value)
    finally:
        seen.append(("cleaned", context.is_cancelled))


@cancelled.processor(inputs=["x"], outputs=["y"])
async def stubborn(x: IO[int], y: IOWriter[int]):
    try:
        async for value in x.stream():
            await y.write(value)
    except asyncio.CancelledError:
        await y.write(99)


@cancelled.processor(inputs=["x"], outputs=["y"])
def computes(context: Context, y: SyncIOWriter[int]):
    y.write(1)
    while True:
        context.raise_if_cancelled()


@cancelled.processor(inputs=["x"], outputs=["y"])
async def busy(context: Context, y: IOWriter[int]):
    while True:                                     # never waits for anything, and yet hears of its cancellation
        await y.write(1)


@pytest.mark.parametrize("name", cancelled.processors)
def test_a_cancelled_function_ends(name):
    async def test():
        async with Parent(cancelled) as parent:
            seen.clear()
            call = parent.call(name, {"x": Stream([1], complete=False)}, ["y"])
            await until(lambda: call.put["y"])
            call.cancel()
            end = await call.failed()
            assert (end.kind, end.details) == (4, "")
            assert 99 not in [json.loads(one) for one in call.put["y"]]
            assert seen == ([("cleaned", True)] if name.startswith("cleans") else [])

    asyncio.run(test())


def test_cancelled_before_it_begins():
    async def test(parent):
        call = parent.call("copy", {"x": Stream(complete=False)}, ["y"], begin=False)
        call.cancel()
        call.say(34)
        call.say(34)                                # a second begin is ignored
        assert (await call.failed()).kind == 4 and call.log == [73]

    go(test)


@pytest.mark.parametrize("name", ["cleans", "cleans_plain", "stubborn"])
def test_functions_are_stopped_when_the_parent_is_gone(name):
    async def test():
        seen.clear()
        parent = Parent(cancelled)
        async with parent:
            call = parent.call(name, {"x": Stream([1], complete=False)}, ["y"])
            await until(lambda: call.put["y"])
        assert parent.exit_code == 0
        assert seen == ([("cleaned", True)] if name.startswith("cleans") else [])

    asyncio.run(test())


def test_many_calls_at_a_time():
    async def test(parent):
        calls = [parent.call(name, {"x": range(500)}, ["y"]) for name in ["copy", "copy_plain"] * 20]
        for call in calls:
            assert await call.values() == {"y": list(range(500))}

    go(test)


def test_calls_that_wait_for_each_other():
    """One function reads what another one writes: none may keep the other from its thread."""
    async def test(parent):
        links = [Stream(complete=False) for _ in range(40)]
        calls = [parent.call("copy_plain", {"x": link}, ["y"]) for link in links]
        links[0].add(1)
        links[0].complete()
        for call, link in zip(calls, links[1:] + [Stream()]):
            link.add(*(await call.values())["y"])
            link.complete()
        assert (await calls[-1].values())["y"] == [1]

    go(test)


def test_a_slow_parent_gets_everything_in_order():
    async def test(parent):
        call = parent.call("copy", {"x": range(2000)}, ["y"], credit=False)
        while not call.ended.done():
            if call.unsaid["y"][0]:
                call.give("y", 1, call.unsaid["y"][1] if call.unsaid["y"][0] == 1 else 1)
            await asyncio.sleep(0)
        assert (await call.values())["y"] == list(range(2000))

    go(test)
