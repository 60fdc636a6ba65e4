"""Time limits around one read or one write: what is cancelled is the wait, and no value is lost or comes twice."""

import asyncio
import gc
import struct

import pytest

from fake_parent import Parent, Stream
from playing import until
from sluice import IO, IOVal, IOWriter, Worker, _call
from sluice._hash import chooser

MOST = 1000
ways = {"stream": lambda p, q: p.stream(), "latest": lambda p, q: p.stream("new"), "zip": lambda p, q: p.stream_with(q),
        "merge": lambda p, q: p.as_available(q)}


async def cut_off(work, turns):
    """Does work until so many turns of the loop have passed; whether it was cut off, and its result."""
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    try:
        return False, await task
    except asyncio.CancelledError:
        return True, None


async def read(values, turns, cuts):
    """All values, each read of which is cut off after so many turns until it succeeds."""
    for _ in range(MOST):
        try:
            was_cut, value = await cut_off(values.__anext__(), turns)
        except StopAsyncIteration:
            return
        cuts.append(was_cut)
        if was_cut:
            await asyncio.sleep(0.001)              # until the service has answered
        else:
            yield value
    raise AssertionError("the values do not end")


@pytest.mark.parametrize("resume", [None, "PerItem", "Checkpoint"])
@pytest.mark.parametrize("turns", [1, 2, 3])
@pytest.mark.parametrize("way", ways)
def test_a_loop_whose_opening_is_cut_off_goes_on(way, turns, resume):
    worker, cuts = Worker(), []

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    async def work(p: IO[int], q: IO[int]):
        async for value in read(ways[way](p, q), turns, cuts):
            yield IOVal("y", value)

    async def test():
        p = Stream([1, 2, 3], complete=way != "latest")
        async with Parent(worker) as parent:
            call = parent.call("work", {"p": p, "q": [4, 5, 6]}, ["y"], resume=resume)
            if way == "latest":
                await until(lambda: call.readers)   # behind the values that are there
                p.add(1, 2, 3)
                p.complete()
            found = (await call.values())["y"]
            assert cuts[0]
            if way == "merge":
                assert [[one for name, one in found if name == which] for which in "pq"] == [[1, 2, 3], [4, 5, 6]]
            else:
                assert found == ([[1, 4], [2, 5], [3, 6]] if way == "zip" else [1, 2, 3])
            assert [one[0] for one in call.opened] == (["p", "q"] if way in ("zip", "merge") else ["p"])

    asyncio.run(test())


@pytest.mark.parametrize("leave", ["close", "forget", "first"])
def test_a_reader_that_comes_after_its_loop_has_ended_is_released(leave, monkeypatch):
    monkeypatch.setattr(_call, "_TURN", float("inf"))    # a breath on a busy machine would be cut off, before a reader is asked for
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        values = x.stream()
        assert (await cut_off(x.first() if leave == "first" else values.__anext__(), 1))[0]
        if leave == "close":
            await values.aclose()
        del values
        await asyncio.sleep(0)                      # the event loop still refers to the read that was cut off
        gc.collect()
        async for value in x.stream():              # the only counted reader
            yield IOVal("y", value)

    async def test():
        async with Parent(worker) as parent:
            stream = Stream([1], complete=False)
            call = parent.call("work", {"x": stream}, ["y"], resume="PerItem")
            await until(lambda: call.ended.done() or call.released == [1] and call.put["y"])
            stream.complete()
            assert await call.values() == {"y": [1]}

    asyncio.run(test())


def test_a_known_choice_is_followed_after_a_read_that_is_cut_off():
    worker, cuts = Worker(), []

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    async def work(p: IO[int], q: IO[int]):
        async for _, value in read(p.as_available(q), 3, cuts):
            yield IOVal("y", value)

    async def test():
        async with Parent(worker) as parent:
            late = Stream(complete=False)
            known = b"".join(struct.pack("<Biq", 1, chooser("p,q", 0), one) for one in (1, 0))
            call = parent.call("work", {"p": [1], "q": late}, ["y"], choices=known, start=2)
            await until(lambda: len(cuts) > 5)
            late.add(2)
            late.complete()
            assert await call.values() == {"y": [2, 1]}

    asyncio.run(test())


def test_a_value_that_is_there_is_not_lost_when_its_read_is_cut_off(monkeypatch):
    monkeypatch.setattr(_call, "_TURN", -1.0)       # each read lets the loop turn
    worker, cuts = Worker(), []

    @worker.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        values = x.stream()
        yield IOVal("y", await values.__anext__())
        async for value in read(values, 1, cuts):
            yield IOVal("y", value)

    async def test():
        async with Parent(worker) as parent:
            call = parent.call("work", {"x": [1, 2, 3, 4]}, ["y"], resume="PerItem")
            assert await call.values() == {"y": [1, 2, 3, 4]}
            assert cuts[0] and call.places[1] == (5, 5)
            assert all(places[1][1] <= 1 + put["y"] for _, places, put in call.reaches)

    asyncio.run(test())


def test_a_value_whose_write_is_cut_off_is_not_sent(monkeypatch):
    monkeypatch.setattr(_call, "_TURN", -1.0)
    worker, cuts = Worker(), []

    @worker.processor(outputs=["y"])
    async def work(y: IOWriter[int]):
        for value in range(600):                    # more than there is credit for at a time
            for _ in range(MOST):
                was_cut, _ = await cut_off(y.write(value), 1)
                cuts.append(was_cut)
                if not was_cut:
                    break
                await asyncio.sleep(0)

    async def test():
        async with Parent(worker) as parent:
            call = parent.call("work", {}, ["y"])
            assert await call.values() == {"y": list(range(600))}
            assert any(cuts)

    asyncio.run(test())
