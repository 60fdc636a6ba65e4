"""Credit for outputs, faults, and failures that are passed on."""

import asyncio

import pytest

from copies import go
from fake_parent import Parent, Stream, failure
from playing import until
from sluice import IO, FlowError, IOVal, IOWriter, Worker


@pytest.mark.parametrize("name", ["flood", "flood_plain"])
def test_no_more_than_512_values_without_credit(name):
    async def test(parent):
        call = parent.call(name, {}, ["y"], credit=False)
        await until(lambda: len(call.put["y"]) == 512)
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(call.put["y"]) == 512
        call.give("y", 1, 12)
        await until(lambda: len(call.put["y"]) == 513)
        call.credit = True
        call.give("y")
        await call.values()
        assert len(call.put["y"]) == 5000 and call.most["y"] == 512

    go(test)


def test_no_more_than_256_kilobytes_and_one_value_without_credit():
    large = Worker()

    @large.processor(outputs=["y"])
    async def work(y: IOWriter[str]):
        for _ in range(10):
            await y.write("a" * 99_998)

    async def test():
        async with Parent(large) as parent:
            call = parent.call("work", {}, ["y"], credit=False)
            await until(lambda: len(call.put["y"]) == 3)
            for _ in range(50):
                await asyncio.sleep(0)
            assert len(call.put["y"]) == 3
            call.credit = True
            call.give("y")
            await call.values()

    asyncio.run(test())


def test_each_output_has_its_own_credit():
    two = Worker()

    @two.processor(outputs=["full", "free"])
    async def work(full: IOWriter[int], free: IOWriter[int]):
        async def fill():
            for i in range(1000):
                await full.write(i)

        filling = asyncio.ensure_future(fill())
        for i in range(300):
            await free.write(i)
        await filling

    async def test():
        async with Parent(two) as parent:
            call = parent.call("work", {}, ["full", "free"], credit=False)
            await until(lambda: len(call.put["full"]) == 512 and len(call.put["free"]) == 300)
            call.credit = True
            call.give("full")
            await call.values()

    asyncio.run(test())


def test_many_writers_at_a_time():
    many = Worker()

    @many.processor(outputs=["y"])
    async def work(y: IOWriter[int]):
        await asyncio.gather(*[y.write(i) for i in range(3000)])

    async def test():
        async with Parent(many) as parent:
            call = parent.call("work", {}, ["y"])
            assert sorted((await call.values())["y"]) == list(range(3000))

    asyncio.run(test())


def test_a_fault_ends_all_writes():
    async def test(parent):
        call = parent.call("flood", {}, ["y"], credit=False)
        await until(lambda: len(call.put["y"]) == 512)
        call.say(38, failure(3, "another value was put out before", id=4, type="NondeterministicReplayException"))
        end = await call.failed()
        assert (end.id, end.kind, end.message) == (4, 3, "another value was put out before")

    go(test)


def test_a_failed_stream_comes_back_by_its_number():
    async def test(parent):
        stream = Stream([1, 2], complete=False)
        call = parent.call("copy", {"x": stream}, ["y"])
        await until(lambda: len(call.put["y"]) == 2)
        stream.fail(failure(2, "no ink", id=9, processor="printer"))
        end = await call.failed()
        assert (end.id, end.kind, end.processor) == (9, 2, "printer")

    go(test)


def test_a_function_may_handle_a_failed_stream():
    handled = Worker()

    @handled.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        try:
            async for value in x.stream():
                yield IOVal("y", value)
        except FlowError as e:
            yield IOVal("y", f"{e.processor}: {e}")

    async def test():
        async with Parent(handled) as parent:
            call = parent.call("work", {"x": Stream([1], complete=False, failure=failure(2, "no ink", id=9, processor="printer"))}, ["y"])
            assert await call.values() == {"y": [1, "printer: no ink"]}

    asyncio.run(test())
