"""Tasks of a function that share a reading: one closes it while another waits."""

import asyncio

import pytest

from fake_parent import Parent, Stream
from playing import until
from sluice import IO, IOWriter, Worker


@pytest.mark.parametrize("resume", [None, "PerItem"])
def test_tasks_that_share_a_reading_may_close_it_while_another_one_waits(resume):
    worker = Worker()

    @worker.processor(inputs=["x", "z"], outputs=["y"])
    async def shares(x: IO[int], z: IO[int], y: IOWriter[int]):
        found = []

        async def look(reading):
            async for value in reading:
                found.append(value)
                await reading.aclose()

        reading = x.stream()
        await asyncio.gather(*[look(reading) for _ in range(3)])
        pairs = x.stream_with(z)
        await asyncio.gather(*[look(pairs) for _ in range(3)])
        await y.write(len(found))

    async def go():
        async with Parent(worker) as parent:
            x, z = Stream(complete=False), Stream(complete=False)
            call = parent.call("shares", {"x": x, "z": z}, ["y"], resume=resume)
            await until(lambda: call.log.count(65) == 1)
            x.add(1)
            await until(lambda: call.log.count(65) == 3)             # the pairs wait for z
            z.add(1)
            assert (await call.values())["y"] == [2] and len(call.released) == 3

    asyncio.run(go())


def test_a_padded_reading_that_another_task_closes_has_no_pair():
    worker, seen = Worker(), []

    @worker.processor(inputs=["x", "z", "w"], outputs=["y"])
    async def closes(x: IO[int], z: IO[int], w: IO[int], y: IOWriter[int]):
        reading = x.stream_with(z, pad=True)

        async def look():
            async for pair in reading:
                seen.append(pair)

        looking = asyncio.ensure_future(look())
        async for _ in w.stream():                  # until the test has seen the question for z
            break
        await reading.aclose()
        await looking
        await y.write(2)

    async def go():
        async with Parent(worker) as parent:
            x, z, w = Stream(complete=False), Stream(complete=False), Stream(complete=False)
            x.add(1)
            call = parent.call("closes", {"x": x, "z": z, "w": w}, ["y"])
            await until(lambda: call.log.count(65) == 3)
            w.add(1)
            assert (await call.values())["y"] == [2] and seen == []

    asyncio.run(go())


@pytest.mark.parametrize("way", ["stream", "stream_with", "as_available"])
def test_a_reading_that_another_task_closes_ends_quietly(way):
    worker, seen = Worker(), []

    @worker.processor(inputs=["x", "z"], outputs=["y"])
    async def closes(x: IO[int], z: IO[int], y: IOWriter[int]):
        reading = getattr(x, way)(*[z][:way != "stream"])

        async def look():
            async for _ in reading:
                seen.append(1)
            seen.append(2)

        looking = asyncio.ensure_future(look())
        await y.write(1)
        async for _ in z.stream():                  # until the test has seen the question
            break
        await reading.aclose()
        await looking
        await y.write(2)

    async def go():
        async with Parent(worker) as parent:
            x, z = Stream(complete=False), Stream(complete=False)
            call = parent.call("closes", {"x": x, "z": z}, ["y"])
            await until(lambda: call.log.count(65) == (3 if way == "as_available" else 2))
            if way != "as_available":
                z.add(5)
            else:
                z.complete()
            assert (await call.values())["y"] == [1, 2] and seen == [2]

    asyncio.run(go())
