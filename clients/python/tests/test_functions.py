"""The four forms of functions, and their inputs and outputs."""

import asyncio
from typing import Optional

from fake_parent import Parent, Stream
from playing import fail, run
from sluice import IO, Context, IOVal, IOWriter, SyncIO, Worker


async def count(n):
    for i in range(n):
        yield i


THE_EXAMPLE = """
from sluice import IO, IOVal, Worker
worker = Worker()

@worker.processor(inputs=["a"], outputs=["b", "c"])
async def foo(a: IO[int]):
    n = await a.first()
    yield IOVal("b", sum(range(n)))
    async for i in count(n): yield IOVal("c", i)

@worker.stage
def embed(text: str) -> list[float]: ...
"""


def test_the_example_that_the_package_was_made_for():
    names = {"count": count}
    exec(THE_EXAMPLE, names)
    assert names["worker"].processors == ["foo"] and names["worker"].stages == ["embed"]
    assert run(names["worker"], "foo", {"a": [5]}, ["b", "c"]) == {"b": [10], "c": [0, 1, 2, 3, 4]}


def test_all_forms_of_functions():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def generator(x: IO[int]):
        async for value in x.stream():
            yield IOVal("y", value + 1)

    @worker.processor(inputs=["x"], outputs=["y"])
    async def writes(x: IO[int], y: IOWriter[int]) -> None:
        async for value in x.stream():
            await y.write(value + 1)

    @worker.processor(inputs=["x"], outputs=["y"])
    def plain_generator(x: SyncIO[int]):
        for value in x.stream():
            yield IOVal("y", value + 1)

    @worker.processor(inputs=["x"], outputs=["y"])
    def plain(x: IO[int], y: IOWriter[int]):          # the plain forms are given
        for value in x.stream():
            y.write(value + 1)

    @worker.processor(inputs=["x"], outputs=["y"])
    async def by_names(x, y, context):
        assert context.run == "r1" and context.processor == "by_names" and context.attempt == 3 and context.start == 2
        async for value in x.stream():
            await y.write(value + 1)

    @worker.processor(inputs=["x"], outputs=["y"])
    async def by_context(context: Context):
        async for value in context.input("x", int).stream():
            await context.output("y").write(value + 1)

    for name in worker.processors:
        values = list(range(1000))
        assert run(worker, name, {"x": values}, ["y"], attempt=3, start=2) == {"y": [i + 1 for i in values]}, name


def test_results_of_functions():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def one(x: IO[int]) -> int:
        return await x.first() * 2

    @worker.processor(inputs=["x"], outputs=["y"])
    def plain_one(x: SyncIO[int]) -> int:
        return x.first() * 2

    @worker.processor(inputs=["x"], outputs=["y"])
    async def none(x: IO[int]):
        pass

    @worker.processor(inputs=["x"], outputs=["y"])
    async def optional(x: IO[int]) -> Optional[int]:
        return None

    @worker.processor(inputs=["x"], outputs=["y"])
    async def many(x: IO[int]):
        return [IOVal("y", 1), IOVal("y", 2)]

    @worker.processor(inputs=["x"], outputs=["y"])
    async def numbers(x: IO[int]):
        return [1, 2]

    assert run(worker, "one", {"x": [4]}, ["y"]) == {"y": [8]}
    assert run(worker, "plain_one", {"x": [4]}, ["y"]) == {"y": [8]}
    assert run(worker, "none", {"x": [4]}, ["y"]) == {"y": []}
    assert run(worker, "optional", {"x": [4]}, ["y"]) == {"y": [None]}
    assert run(worker, "many", {"x": [4]}, ["y"]) == {"y": [1, 2]}
    assert run(worker, "numbers", {"x": [4]}, ["y"]) == {"y": [[1, 2]]}


def test_streams_together():
    worker = Worker()

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    async def pairs(p: IO[int], q: IO[str], context: Context):
        async for left, right in p.stream_with(q):
            yield IOVal("y", [left, right])
        async for left, right in p.stream_with(q, pad=True):
            yield IOVal("y", [left, right])
        async for left, right in p.stream_with(q, pad=True, fill="-"):
            yield IOVal("y", [left, right])

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    def plain_pairs(p: SyncIO[int], q: SyncIO[str]):
        for left, right in p.stream_with(q, pad=True):
            yield IOVal("y", [left, right])

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    async def merged(p: IO[int], q: IO[int]):
        async for name, value in p.as_available(q):
            yield IOVal("y", [name, value])

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    def plain_merged(p: SyncIO[int], q: SyncIO[int]):
        for name, value in p.as_available(q):
            yield IOVal("y", [name, value])

    short, padded = [[1, "a"], [2, "b"]], [[1, "a"], [2, "b"], [3, None]]
    given = {"p": [1, 2, 3], "q": ["a", "b"]}
    assert run(worker, "pairs", given, ["y"])["y"] == short + padded + short + [[3, "-"]]
    assert run(worker, "plain_pairs", given, ["y"])["y"] == padded
    for name in ("merged", "plain_merged"):
        found = run(worker, name, {"p": list(range(700)), "q": list(range(1000, 1300))}, ["y"])["y"]
        assert [value for where, value in found if where == "p"] == list(range(700))
        assert [value for where, value in found if where == "q"] == list(range(1000, 1300))


def test_a_merge_takes_what_is_there_while_another_stream_waits():
    worker = Worker()

    @worker.processor(inputs=["p", "q"], outputs=["y"])
    async def merged(p: IO[int], q: IO[int]):
        async for name, value in p.as_available(q):
            yield IOVal("y", name)

    async def go():
        async with Parent(worker) as parent:
            slow = Stream(complete=False)
            call = parent.call("merged", {"p": slow, "q": [1, 2, 3]}, ["y"])
            while len(call.put["y"]) < 3:
                await asyncio.sleep(0)
            slow.add(1)
            slow.complete()
            assert (await call.values())["y"] == ["q", "q", "q", "p"]

    asyncio.run(go())


def test_several_readers_see_all_values():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def twice(x: IO[int], y: IOWriter[int]):
        async def read():
            total = 0
            async for value in x.stream():
                total += value
            return total

        for total in await asyncio.gather(*[read() for _ in range(5)]):
            await y.write(total)
        await y.write(await x.first())
        assert x.is_complete

    assert run(worker, "twice", {"x": list(range(600))}, ["y"]) == {"y": [sum(range(600))] * 5 + [0]}


def test_places_of_a_stream():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def latest(x: IO[int]):
        async for value in x.stream("latest"):
            yield IOVal("y", value)
        async for value in x.stream("new"):
            yield IOVal("y", value)

    @worker.processor(inputs=["x"], outputs=["y"])
    async def wrong(x: IO[int]):
        async for value in x.stream("last"):
            yield IOVal("y", value)

    assert run(worker, "latest", {"x": [1, 2, 3]}, ["y"]) == {"y": [3]}
    assert '"first", "latest" or "new"' in fail(worker, "wrong", {"x": [1]}, ["y"]).message


def test_a_time_limit_around_one_value_loses_nothing():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def patient(x: IO[int]):
        values = x.stream().__aiter__()
        while True:
            try:
                value = await asyncio.wait_for(values.__anext__(), 0.01)
            except asyncio.TimeoutError:
                yield IOVal("y", -1)
                continue
            except StopAsyncIteration:
                return
            yield IOVal("y", value)

    async def go():
        async with Parent(worker) as parent:
            stream = Stream([1], complete=False)
            call = parent.call("patient", {"x": stream}, ["y"])
            while len(call.put["y"]) < 3:
                await asyncio.sleep(0.001)
            stream.add(2)
            stream.complete()
            found = (await call.values())["y"]
            assert [value for value in found if value >= 0] == [1, 2] and found.count(-1) >= 2
            assert call.log.count(65) <= 4                    # one question, however often the function has waited

    asyncio.run(go())


def test_a_hundred_thousand_items():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def double(x: IO[int]):
        async for value in x.stream():
            yield IOVal("y", value * 2)

    async def go():
        async with Parent(worker) as parent:
            call = parent.call("double", {"x": range(100_000)}, ["y"])
            assert (await call.values())["y"] == [i * 2 for i in range(100_000)]
            assert call.most["y"] <= 512

    asyncio.run(go())
