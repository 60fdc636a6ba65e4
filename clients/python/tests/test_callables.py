"""Functions that are no plain functions, and annotations that are no plain types."""

import functools
import typing
from typing import Annotated, List

import pytest

from playing import run
from sluice import SyncIO, Worker
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
