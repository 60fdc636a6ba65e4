"""Time limits around one read or one write: what is cancelled is the wait, and no value is lost or comes twice."""

import asyncio

from fake_parent import Parent
from sluice import IO, IOVal, IOWriter, Worker, _call

MOST = 1000


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
