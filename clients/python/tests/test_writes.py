"""Writes: their order, and those that do not end with their function."""

import asyncio
import threading
import time
import traceback

import pytest

from fake_parent import Parent
from playing import fails, run, until
from sluice import IO, FlowError, IOWriter, SyncIO, SyncIOWriter, Worker, _call


def test_writes_that_were_not_awaited_fail_the_function():
    async def forgotten(x: IO[int], y: IOWriter[int]):
        y.write(1)

    assert "1 write to y had not ended. Await every write" in fails(forgotten).message

    async def left_behind(x: IO[int], y: IOWriter[int]):
        for i in range(600):
            asyncio.ensure_future(y.write(i))

    assert "writes to y had not ended" in fails(left_behind, credit=False).message


def test_a_failure_of_many_writes_has_a_short_traceback():
    """They share the exception: a traceback that grew with each of them would take the square of their number."""
    depths = []

    def note(write):
        if not write.cancelled() and write.exception() is not None:
            depths.append(len(traceback.extract_tb(write.exception().__traceback__)))

    async def left_behind(x: IO[int], y: IOWriter[int]):
        for i in range(600):
            asyncio.ensure_future(y.write(i)).add_done_callback(note)

    fails(left_behind, credit=False)
    assert depths and max(depths) < 20


def test_a_write_after_the_return_is_refused(capsys):
    kept = []

    async def work(x: IO[int], y: IOWriter[int]):
        kept.append(y)

    worker = Worker()
    worker.processor(inputs=["x"], outputs=["y"])(work)

    async def go():
        async with Parent(worker) as parent:
            await parent.call("work", {"x": [1]}, ["y"]).values()
            with pytest.raises(FlowError, match="after its function had returned"):
                await kept[0].write(1)

    asyncio.run(go())
    assert "wrote a value to y after its function had returned" in capsys.readouterr().err


def test_values_that_a_thread_writes_late_are_refused_and_told_once(capsys):
    worker, may_write, has_written = Worker(), threading.Event(), threading.Event()

    @worker.processor(inputs=["x"], outputs=["y"])
    def work(x: SyncIO[int], y: SyncIOWriter[int]):
        def later():
            may_write.wait(60)
            for value in (1, 2):
                with pytest.raises(FlowError, match="the value is lost"):
                    y.write(value)
            has_written.set()

        threading.Thread(target=later, daemon=True).start()

    async def go():
        async with Parent(worker) as parent:
            await parent.call("work", {"x": [1]}, ["y"]).values()
            may_write.set()
            assert await asyncio.to_thread(has_written.wait, 60)

    asyncio.run(go())
    assert capsys.readouterr().err.count("Nothing can take it any more") == 1


@pytest.mark.parametrize("is_async", [True, False])
def test_writes_that_wait_when_the_function_fails_are_not_told_as_late(capsys, is_async):
    worker, ended = Worker(), []

    def wait(write, value):
        try:
            write(value)
        except BaseException as e:
            ended.append(e)

    async def wait_async(write, value):
        try:
            await write(value)
        except BaseException as e:
            ended.append(e)

    @worker.processor(outputs=["y"], name="async")
    async def work_async(y: IOWriter[int]):
        tasks = [asyncio.ensure_future(wait_async(y.write, value)) for value in range(520)]
        await asyncio.wait(tasks[:512])
        raise ValueError("the function")

    @worker.processor(outputs=["y"], name="plain")
    def work(y: SyncIOWriter[int]):
        for value in range(512):
            y.write(value)
        for value in range(8):
            threading.Thread(target=wait, args=(y.write, value), daemon=True).start()
        while y._output._blocked < 8:
            time.sleep(0.001)
        raise ValueError("the function")

    async def go():
        async with Parent(worker) as parent:
            call = parent.call("async" if is_async else "plain", {}, ["y"], credit=False)
            assert "the function" in (await call.failed()).message
            await until(lambda: len(ended) == 8)

    asyncio.run(go())
    assert "after its function had returned" not in capsys.readouterr().err
    assert {type(one) for one in ended} == {FlowError} and "has ended" in str(ended[0])


def test_a_write_of_a_thread_that_waits_for_credit_fails_the_function_that_returns():
    worker, may_return, has_failed, kept = Worker(), threading.Event(), threading.Event(), []

    @worker.processor(inputs=["x"], outputs=["y"])
    def work(x: SyncIO[int], y: SyncIOWriter[int]):
        kept.append(y)

        def later():
            with pytest.raises(FlowError):
                for value in range(600):            # more than there is credit for
                    y.write(value)
            has_failed.set()

        threading.Thread(target=later, daemon=True).start()
        may_return.wait(60)

    async def go():
        async with Parent(worker) as parent:
            call = parent.call("work", {"x": [1]}, ["y"], credit=False)
            await until(lambda: len(call.put["y"]) == 512)
            await until(lambda: kept[0]._output._blocked == 1)
            may_return.set()
            found = await call.failed()
            assert await asyncio.to_thread(has_failed.wait, 60)
            return found

    assert "1 write to y had not ended" in asyncio.run(go()).message


@pytest.mark.parametrize("turn", [-1.0, 0.002, 1e9])
@pytest.mark.parametrize("count", [3, 3000])
def test_writes_at_a_time_come_in_the_order_of_their_calls(monkeypatch, turn, count):
    monkeypatch.setattr(_call, "_TURN", turn)       # how soon a write lets the loop turn must not matter
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int], y: IOWriter[int]):
        await x.first()
        await asyncio.gather(*[y.write(i) for i in range(count)])

    assert run(worker, "work", {"x": [1]}, ["y"]) == {"y": list(range(count))}


def test_each_waiting_write_is_woken_once():
    worker, looks = Worker(), []

    @worker.processor(outputs=["y"])
    async def work(y: IOWriter[int]):
        output = y._output
        send = output._send
        output._send = lambda *more: (looks.append(1), send(*more))[1]
        await asyncio.gather(*[y.write(i) for i in range(5000)])

    assert run(worker, "work", {}, ["y"]) == {"y": list(range(5000))}
    assert len(looks) <= 3 * 5000


def test_a_write_that_is_cancelled_before_its_first_step_is_none():
    worker = Worker()

    @worker.processor(outputs=["y"])
    async def work(y: IOWriter[int]):
        first = asyncio.ensure_future(y.write(1))
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        y.write(2).close()
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(y.write(3), 0)
        await y.write(4)

    assert run(worker, "work", {}, ["y"]) == {"y": [4]}


def test_a_waiting_write_that_is_cancelled_lets_the_next_one_pass():
    worker = Worker()

    @worker.processor(outputs=["y"])
    async def work(y: IOWriter[int]):
        for value in range(512):
            await y.write(value)
        tasks = [asyncio.ensure_future(y.write(value)) for value in (1, 2, 3)]
        await asyncio.sleep(0)
        tasks[0].cancel()
        waiting.append(1)
        await asyncio.wait(tasks)

    async def go():
        async with Parent(worker) as parent:
            call = parent.call("work", {}, ["y"], credit=False)
            await until(lambda: waiting and len(call.put["y"]) == 512)
            call.credit = True
            call.give("y")
            assert (await call.values())["y"][512:] == [2, 3]

    waiting = []
    asyncio.run(go())


def test_a_write_is_awaited_once():
    async def work(x: IO[int], y: IOWriter[int]):
        writing = y.write(1)
        await writing
        await writing

    assert "A write is awaited once" in fails(work).message
