"""Tasks of a function that share a reading: one closes it while another waits."""

import asyncio
import inspect
import sys

import pytest

from fake_parent import Parent, Stream, number
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


def test_many_tasks_that_share_a_reading_wait_without_depth():
    """Each value wakes all of them. A call in a call for each value that a task did not get ended with a RecursionError."""
    worker, many, limit = Worker(), 250, sys.getrecursionlimit()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def shares(x: IO[int], y: IOWriter[int]):
        reading = x.stream()

        async def look():
            async for value in reading:
                await y.write(value)

        await asyncio.gather(*[look() for _ in range(many)])

    async def go():
        async with Parent(worker) as parent:
            x = Stream(complete=False)
            call = parent.call("shares", {"x": x}, ["y"])
            for value in range(many):               # each comes alone
                await until(lambda: len(call.put["y"]) == value)
                x.add(value)
            x.complete()
            assert (await call.values())["y"] == list(range(many))

    sys.setrecursionlimit(len(inspect.stack(0)) + 150)
    try:
        asyncio.run(go())
    finally:
        sys.setrecursionlimit(limit)


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


@pytest.mark.parametrize("takes_waits", [True, False])
def test_a_merge_reads_ahead_and_says_when_it_waits(takes_waits):
    worker = Worker()

    @worker.processor(inputs=["x", "z"], outputs=["y"])
    async def merges(x: IO[int], z: IO[int], y: IOWriter[int]):
        async for _, value in x.as_available(z):
            await y.write(value)

    async def go():
        async with Parent(worker) as parent:
            x, z = Stream(complete=False), Stream(complete=False)
            call = parent.call("merges", {"x": x, "z": z}, ["y"], extra={"TakesWaits": takes_waits})
            call.answers_waits = False
            await until(lambda: len(call.waits) == 1 if takes_waits else len(call.ahead) == 2)
            assert [ahead for _, ahead in call.ahead] == [takes_waits, takes_waits]
            x.add(1)
            await until(lambda: call.answered)
            for _ in range(100):
                await asyncio.sleep(0)
            if takes_waits:
                (wait, *reads), = call.waits
                assert reads == [question for question, _ in call.ahead]
                assert call.put["y"] == []          # it has the value, and no slot yet
                call.answers_waits = True
                call.say(36, number(wait))
            x.complete()
            z.add(2)
            z.complete()
            assert sorted((await call.values())["y"]) == [1, 2]
            assert bool(call.waits) == takes_waits

    asyncio.run(go())


def test_a_merge_whose_step_was_cut_off_ends_that_wait_first_and_says_each_further_one():
    worker, told = Worker(), []

    @worker.processor(inputs=["x", "z"], outputs=["y"])
    async def merges(x: IO[int], z: IO[int], y: IOWriter[int]):
        both = x.as_available(z)
        for state in ("cut off", "twice"):
            step = asyncio.ensure_future(both.__anext__())
            await until(lambda: "waits" in told)
            for _ in range(20):
                await asyncio.sleep(0)
            step.cancel()
            with pytest.raises(asyncio.CancelledError):
                await step
            told.append(state)
        await until(lambda: "value" in told)
        told.append("goes on")
        async for _, value in both:
            told.append(value)
            await y.write(value)

    async def go():
        async with Parent(worker) as parent:
            x, z = Stream(complete=False), Stream(complete=False)
            call = parent.call("merges", {"x": x, "z": z}, ["y"])
            call.answers_waits = False
            await until(lambda: call.waits)
            told.append("waits")
            await until(lambda: "twice" in told)
            x.add(1)
            await until(lambda: call.answered)
            told.append("value")
            await until(lambda: "goes on" in told)
            for count, value in (1, 1), (2, 2), (3, 3):
                await until(lambda: len(call.waits) == count and call.waits[-1][1] in call.answered)
                for _ in range(100):
                    await asyncio.sleep(0)
                # It has no slot until its wait is answered, and waits once for each value.
                assert value not in told and len(call.waits) == count
                call.say(36, number(call.waits[-1][0]))
                # Each wait names both open reads: that of x is new, that of z is still the first one.
                await until(lambda: len(call.waits) == count + 1)
                assert value in told
                assert call.waits[-1][1:] == (call.ahead[-1][0], call.waits[0][2])
                x.add(value + 1)
            x.complete()
            z.complete()
            call.answers_waits = True
            call.say(36, number(call.waits[-1][0]))
            assert (await call.values())["y"] == [1, 2, 3, 4]

    asyncio.run(go())


def test_tasks_that_share_a_merge_wait_for_the_slot_together():
    worker, seen = Worker(), []

    @worker.processor(inputs=["x", "z"], outputs=["y"])
    async def merges(x: IO[int], z: IO[int], y: IOWriter[int]):
        both = x.as_available(z)

        async def look():
            async for _, value in both:
                seen.append(value)

        await asyncio.gather(look(), look())
        await y.write(len(seen))

    async def go():
        async with Parent(worker) as parent:
            x, z = Stream(complete=False), Stream(complete=False)
            call = parent.call("merges", {"x": x, "z": z}, ["y"])
            for value in range(1, 5):
                await until(lambda: len(call.waits) == value)        # both tasks wait, and one question says so
                assert seen == list(range(1, value))
                (x if value % 2 else z).add(value)
            await until(lambda: len(call.waits) == 5)
            x.complete()
            z.complete()
            assert (await call.values())["y"] == [4]

    asyncio.run(go())
