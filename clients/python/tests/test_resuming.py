"""Places, commits, checkpoints and choices: what a repeated start needs."""

import asyncio
import datetime as dt
import json
import struct

import pytest

from copies import go
from fake_parent import Parent, Stream, failure
from sluice import IO, Checkpoint, Context, FlowError, IOVal, IOWriter, SyncCheckpoint, SyncIO, SyncIOWriter, Worker
from sluice._hash import chooser


def test_a_reader_says_its_place_with_each_read():
    async def test(parent):
        call = parent.call("copy", {"x": Stream(range(600), first=11)}, ["y"])
        await call.values()
        assert call.places[1] == (611, 611)
        assert call.opened == [("x", 0, 1, 0, 0, 0)]
        assert 69 not in call.log

    go(test)


def test_the_first_value_does_not_count():
    first = Worker()

    @first.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        yield IOVal("y", await x.first())

    async def test():
        async with Parent(first) as parent:
            call = parent.call("work", {"x": [1, 2, 3]}, ["y"])
            await call.values()
            assert call.opened == [("x", 0, 0, 0, 0, 0)] and call.places[1] == (2, 1) and call.released == [1]

    asyncio.run(test())


def test_a_loop_that_is_left_is_released():
    left = Worker()

    @left.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        async for value in x.stream():
            yield IOVal("y", value)
            break
        async for value in x.stream():
            yield IOVal("y", value)
            return

    async def test(resume):
        async with Parent(left) as parent:
            call = parent.call("work", {"x": [1, 2]}, ["y"], resume=resume)
            assert await call.values() == {"y": [1, 1]}
            assert 1 in call.released

    asyncio.run(test(None))
    asyncio.run(test("PerItem"))


@pytest.mark.parametrize("name", ["copy", "copy_plain"])
def test_per_item_says_place_and_reach_behind_each_item(name):
    async def test(parent):
        call = parent.call(name, {"x": [5, 6, 7]}, ["y"], resume="PerItem")
        await call.values()
        behind = [(places[1], put["y"]) for _, places, put in call.reaches]
        assert behind == [((1, 1), 0), ((2, 2), 1), ((3, 3), 2), ((4, 4), 3)]
        assert [may_wait for may_wait, _, _ in call.reaches] == [1, 0, 0, 1]

    go(test)


def test_two_loops_per_item_fail():
    loops = Worker()

    @loops.processor(inputs=["p", "q"], outputs=["y"])
    async def nested(p: IO[int], q: IO[int]):
        async for left in p.stream():
            try:
                async for right in q.stream():
                    yield IOVal("y", right)
            except FlowError:
                pass                                # the error stays

    @loops.processor(inputs=["p", "q"], outputs=["y"])
    async def behind(p: IO[int], q: IO[int]):
        async for one in p.stream():
            yield IOVal("y", one)
        async for one in q.stream():
            yield IOVal("y", one)

    async def test():
        async with Parent(loops) as parent:
            end = await parent.call("nested", {"p": [1], "q": [2]}, ["y"], resume="PerItem").failed()
            assert "reads q while it reads p. It resumes per item" in end.message
            assert await parent.call("behind", {"p": [1], "q": [2]}, ["y"], resume="PerItem").values() == {"y": [1, 2]}
            assert await parent.call("nested", {"p": [1], "q": [2]}, ["y"]).values() == {"y": [2]}

    asyncio.run(test())


saving = Worker()


@saving.processor(inputs=["x"], outputs=["y"])
async def sums(x: IO[int], y: IOWriter[int], state: Checkpoint[int]):
    total = state.value or 0
    async for value in x.stream():
        total += value
        await y.write(total)
        if value % 10 == 0:
            await state.save(total)
            assert state.has_value and state.value == total


@saving.processor(inputs=["x"], outputs=["y"])
def sums_plain(x: SyncIO[int], y: SyncIOWriter[int], state: SyncCheckpoint[int]):
    total = state.value or 0
    for value in x.stream():
        total += value
        y.write(total)
        if value % 10 == 0:
            state.save(total)


@pytest.mark.parametrize("name", saving.processors)
def test_checkpoints_and_resuming(name):
    async def test():
        async with Parent(saving) as parent:
            call = parent.call(name, {"x": range(1, 26)}, ["y"], resume="Checkpoint")
            await call.values()
            assert [(json.loads(state), places[1][0], put["y"]) for state, places, put in call.saved] == [(55, 11, 10), (210, 21, 20)]
            state, places, put = call.saved[-1]
            rest = parent.call(name, {"x": Stream(range(21, 26), first=21)}, ["y"], resume="Checkpoint", state=state, start=2)
            assert (await rest.values())["y"] == [231, 253, 276, 300, 325]
            end = await parent.call(name, {"x": []}, ["y"]).failed()
            assert "takes a Checkpoint, but the processor resumes FromScratch" in end.message
            end = await parent.call(name, {"x": []}, ["y"], resume="Checkpoint", state=b'"a"').failed()
            assert "saved state of the processor" in end.message
            refused = parent.call(name, {"x": [10]}, ["y"], resume="Checkpoint")
            refused.refuse_save = failure(2, "a state of 300,000 bytes", id=3)
            assert (await refused.failed()).id == 3

    asyncio.run(test())


choosing = Worker()


@choosing.processor(inputs=["p", "q"], outputs=["y"])
async def merges(p: IO[int], q: IO[int], context: Context):
    yield IOVal("y", context.now())
    async for name, value in p.as_available(q):
        yield IOVal("y", [name, value])
    async for value in p.stream("latest"):
        yield IOVal("y", value)


def choice(kind, number_, value):
    return struct.pack("<Biq", kind, number_, value)


def test_choices_are_told_and_replayed():
    async def test():
        async with Parent(choosing) as parent:
            call = parent.call("merges", {"p": [1, 2], "q": [7]}, ["y"])
            values = (await call.values())["y"]
            kinds = [kind for kind, _, _ in call.chosen]
            assert kinds == [4, 1, 1, 1, 1] and call.chosen[-1][2] == -1
            assert {who for kind, who, _ in call.chosen if kind == 1} == {chooser("p,q", 0)}
            assert call.opened[2] == ("p", 1, 1, chooser("p", 0), 0, 0)
            ticks = call.chosen[0][2]
            told = dt.datetime(1, 1, 1, tzinfo=dt.timezone.utc) + dt.timedelta(microseconds=ticks // 10)
            assert abs(told - dt.datetime.now(dt.timezone.utc)) < dt.timedelta(minutes=1)

            order = chooser("p,q", 0)
            known = b"".join([choice(4, 0, 638000000000000000)] + [choice(1, order, one) for one in (1, 0, 0, -1)]
                             + [choice(2, chooser("p", 0), 2)])
            again = parent.call("merges", {"p": [1, 2, 3], "q": [7]}, ["y"], choices=known, start=2)
            assert (await again.values())["y"] == ["2022-09-28T22:13:20Z", ["q", 7], ["p", 1], ["p", 2], 2, 3]
            assert again.chosen == [] and again.opened[2] == ("p", 1, 1, chooser("p", 0), 1, 2)

            part = parent.call("merges", {"p": [1, 2], "q": [7]}, ["y"], choices=choice(1, order, 1), start=2)
            assert (await part.values())["y"][1] == ["q", 7] and len(part.chosen) == 4

            ended = parent.call("merges", {"p": [1], "q": []}, ["y"], choices=choice(1, order, 1), start=2)
            assert "ended before the value that was read" in (await ended.failed()).message

    asyncio.run(test())


def test_nothing_is_chosen_by_a_processor_that_does_not_resume_from_scratch():
    async def test():
        async with Parent(choosing) as parent:
            call = parent.call("merges", {"p": [1, 2], "q": [7]}, ["y"], resume="Checkpoint")
            await call.values()
            assert call.chosen == [] and call.opened[2] == ("p", 1, 1, 0, 0, 0)

    asyncio.run(test())
