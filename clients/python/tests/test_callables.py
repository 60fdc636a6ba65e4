"""Functions that are no plain functions, and annotations that are no plain types."""

import functools
import inspect
import sys
import typing
from decimal import Decimal
from typing import Annotated, List

import pytest

from playing import run
from sluice import Context, SyncIO, Worker
from sluice._annotations import is_async
from sluice._payloads import Codec


class Model:
    def __call__(self, x: int) -> int:
        return x + 1


class AsyncModel:
    async def __call__(self, x: int) -> int:
        return x + 1


def scaled(x: int, by: int = 1) -> int:
    return by * x


def test_objects_and_partial_functions_are_stages():
    worker = Worker()
    worker.stage(name="model")(Model())
    worker.stage(name="later")(AsyncModel())
    worker.stage(name="twice")(functools.partial(scaled, by=2))
    stages = worker._stages
    assert [stages[name].item for name in worker.stages] == [int] * 3
    assert [stages[name].is_async for name in worker.stages] == [False, True, False]
    assert list(stages["twice"].work([(1, b"4")], 1000))[0].endswith(b"8")
    for odd in (Model(), functools.partial(scaled, by=2)):
        with pytest.raises(TypeError, match="has no name of its own: register it with name="):
            worker.stage(odd)


class Retried:
    """A decorator that is a class."""

    retries: int = 3

    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function = function

    def __call__(self, *arguments, **named):
        return self.function(*arguments, **named)


def test_an_object_that_wraps_a_function_has_its_annotations():
    worker = Worker()

    @worker.stage
    @Retried
    def add(x: Decimal) -> Decimal:
        return x + 1

    @worker.processor(inputs=["x"], outputs=["y"])
    @Retried
    def total(x: SyncIO[Decimal], about: Context) -> Decimal:
        return sum(x.stream()) + about.attempt - about.attempt

    wrapper = Retried(scaled)
    for name in ("__annotations__", "__annotate__"):        # of Python 3.14
        wrapper.__dict__.pop(name, None)
    worker.stage(name="scaled")(wrapper)
    stages = worker._stages
    assert stages["add"].item is stages["add"].result is Decimal and stages["scaled"].item is int
    assert list(stages["add"].work([(1, b"0.10")], 1000))[0].endswith(b"1.10")
    assert run(worker, "total", {"x": [1, 2]}, ["y"]) == {"y": [3]}


@pytest.mark.skipif(sys.version_info < (3, 12), reason="inspect.markcoroutinefunction is of Python 3.12")
def test_an_object_that_is_marked_is_async():
    assert is_async(inspect.markcoroutinefunction(Model())) and not is_async(Model())


def test_an_object_is_a_processor():
    class Sum:
        def __call__(self, x: SyncIO[int]) -> int:
            return sum(x.stream())

    worker = Worker()
    worker.processor(inputs=["x"], outputs=["y"], name="sum")(Sum())
    assert run(worker, "sum", {"x": [1, 2]}, ["y"]) == {"y": [3]}


def test_what_an_annotation_adds_need_not_be_hashable():
    unit = Annotated[int, {"unit": "s"}]

    def work(x: SyncIO[unit]):
        return sum(x.stream())

    worker = Worker()
    worker.processor(inputs=["x"], outputs=["y"])(work)
    assert run(worker, "work", {"x": [1, 2]}, ["y"]) == {"y": [3]}
    assert Codec().reader(List[Annotated[str, ["a"]]])(b'["b"]') == ["b"]


def test_the_io_of_typing_is_named():
    for kind, name in ((typing.IO, "IO"), (typing.IO[str], "IO"), (typing.TextIO, "TextIO")):
        def work(x): ...
        work.__annotations__ = {"x": kind}
        with pytest.raises(TypeError, match=f"the {name} of typing, which is a file. Write: from sluice import IO"):
            Worker().processor(inputs=["x"], outputs=["y"])(work)
