"""How a function's failure is told, whatever the exception is; and what a plain function has opened."""

import asyncio
import gc
import os
import sys
import threading
import weakref
from typing import List

import pytest

from fake_parent import Parent, Stream, failure
from playing import fail, fails, run, until
from sluice import _failures, IO, FlowError, IOVal, SyncIO, Worker
from sluice._failures import failure_of
from sluice._stage import Stage
from sluice._payloads import Codec


class NoInit(FlowError):
    def __init__(self, text):
        self.text = text


class Delegates(Exception):
    def __getattr__(self, name):
        return getattr(self.inner, name)


class Exits(Exception):
    def __str__(self):
        sys.exit(1)


@pytest.mark.parametrize("error, kind, message", [
    (lambda: NoInit("no super"), 2, "no super"), (lambda: Delegates("boom"), 1, "boom"),
    (lambda: FlowError("bad", processor=None), 2, "bad"), (lambda: Exits(), 1, "(its text cannot be made)")])
@pytest.mark.parametrize("plain", [False, True])
def test_a_failure_is_told_whatever_its_class_does(error, kind, message, plain):
    async def work(x: IO[int]):
        raise error()

    def plain_work(x: SyncIO[int]):
        raise error()

    found = fails(plain_work if plain else work)
    assert (found.kind, found.type, found.message) == (kind, type(error()).__name__, message)
    stage = Stage("s", lambda item: plain_work(item), False, Codec())
    assert message.encode() in next(iter(stage.work([(1, b"1")], 1000)))


class Group(Exception):
    """An exception group, as Python 3.11 and the package exceptiongroup have it."""

    def __init__(self, text, exceptions):
        super().__init__(text)
        self.exceptions = tuple(exceptions)


@pytest.mark.parametrize("group", [Group] if sys.version_info < (3, 11) else [Group, ExceptionGroup])  # noqa: F821
def test_a_group_is_what_its_exceptions_are(group):
    inner = group("two", [ValueError("v"), group("one", [FlowError("no ink", "printer")])])
    found = failure_of(inner)
    assert (found.kind, found.type, found.message, found.processor) == (2, "FlowError", "no ink", "printer")
    found = failure_of(group("two", [KeyError("k"), ValueError("v")]))
    assert (found.kind, found.message) == (1, f"{group('two', [KeyError(1), ValueError(1)])}: KeyError: 'k'") and "ValueError: v" in (
        found.details if group is not Group else "ValueError: v")


@pytest.mark.skipif(sys.version_info < (3, 11), reason="task groups came with Python 3.11")
def test_a_failed_stream_in_a_task_group_comes_back_by_its_number():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    async def work(x: IO[int]):
        async def read():
            async for _ in x.stream():
                pass

        async with asyncio.TaskGroup() as group:
            group.create_task(read())
            group.create_task(asyncio.Event().wait())

    found = fail(worker, "work", {"x": Stream([1], complete=False, failure=failure(2, "no ink", id=9, processor="printer"))}, ["y"])
    assert (found.id, found.kind, found.processor) == (9, 2, "printer")


class Opened:
    closed = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.closed = threading.current_thread().name


def test_the_generator_of_a_plain_function_is_closed_on_its_thread():
    worker, opened = Worker(), [Opened(), Opened()]

    @worker.processor(inputs=["x"], outputs=["y"])
    def unwritable(x: SyncIO[int]):
        with opened[0]:
            yield IOVal("y", float("nan"))

    @worker.processor(inputs=["x"], outputs=["y"])
    def cancelled(x: SyncIO[int]):
        with opened[1]:
            while True:
                yield IOVal("y", 1)

    async def go():
        async with Parent(worker) as parent:
            await parent.call("unwritable", {"x": [1]}, ["y"]).failed()
            assert opened[0].closed == "sluice-unwritable"
            call = parent.call("cancelled", {"x": [1]}, ["y"], credit=False)
            await until(lambda: len(call.put["y"]) == 512)
            call.cancel()
            await call.failed()
            assert opened[1].closed == "sluice-cancelled"

    gc.disable()
    try:
        asyncio.run(go())
    finally:
        gc.enable()


def test_a_plain_function_lets_stop_iteration_out():
    def work(x: SyncIO[int]):
        return next(x.stream("new"))

    found = fails(work)
    assert found.type == "RuntimeError" and "next() has found no more values" in found.message and "next(values, None)" in found.message
    assert "in work" in found.details


def test_an_empty_list_of_io_vals():
    worker = Worker()

    @worker.processor(inputs=["x"], outputs=["y"])
    def annotated(x: SyncIO[int]) -> List[IOVal[int]]:
        return [IOVal("y", value) for value in x.stream() if value > 1]

    @worker.processor(inputs=["x"], outputs=["y"])
    async def bare(x: IO[int]) -> List[IOVal]:
        return []

    @worker.processor(inputs=["x"], outputs=["y"])
    def a_value(x: SyncIO[int]) -> List[int]:
        return []

    @worker.processor(inputs=["x"], outputs=["y"])
    def unknown(x: SyncIO[int]):
        return []

    assert [run(worker, name, {"x": [1]}, ["y"])["y"] for name in worker.processors] == [[], [], [[]], [[]]]
    assert run(worker, "annotated", {"x": [1, 2]}, ["y"]) == {"y": [2]}


def test_a_traceback_has_the_frames_of_a_package_with_nearly_the_name():
    path = os.path.join(os.path.dirname(_failures.__file__) + "_jobs", "work.py")
    code = compile("import json\ndef work():\n    json.loads('')", path, "exec")
    names = {}
    exec(code, names)
    try:
        names["work"]()
    except ValueError as e:
        e.__traceback__ = e.__traceback__.tb_next
        assert "in work" in failure_of(e).details


def test_a_defect_of_the_package_has_its_traceback():
    code = compile("def work():\n    raise KeyError('k')\nwork()", os.path.join(os.path.dirname(_failures.__file__), "work.py"), "exec")
    try:
        exec(code, {})
    except KeyError as e:
        e.__traceback__ = e.__traceback__.tb_next
        assert "in work" in failure_of(e).details


@pytest.mark.parametrize("is_async", [False, True])
def test_the_items_of_a_list_that_failed_do_not_wait_for_the_collector(is_async):
    class Large(list):
        pass

    seen = []

    def work(items):
        kept = Large(items)
        seen.append(weakref.ref(kept))
        raise ValueError("v")

    async def later(items):
        return work(items)

    stage = Stage("s", later if is_async else work, True, Codec())
    items = [(1, b"1"), (2, b"2")]
    gc.disable()
    try:
        asyncio.run(stage.work_async(items, 1000)) if is_async else list(stage.work(items, 1000))
        assert [one() for one in seen] == [None] * 3
    finally:
        gc.enable()
