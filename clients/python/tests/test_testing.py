"""``sluice.testing``: what users test their functions with."""

import dataclasses
from typing import List

import pytest

from sluice import IO, Checkpoint, Context, FlowError, IOVal, IOWriter, PayloadError, SyncIO, SyncIOWriter, Worker
from sluice.testing import run

worker = Worker()


@dataclasses.dataclass
class Line:
    text: str
    words: List[str]


@worker.processor(inputs=["text"], outputs=["line", "count"])
async def split(text: IO[str], line: IOWriter[Line], context: Context):
    async for one in text.stream():
        await line.write(Line(one, one.split()))
        yield IOVal("count", len(one.split()))
    assert context.run == "test" and context.attempt == 1 and context.now() is not None


@worker.processor(inputs=["a", "b"], outputs=["pair"])
def pairs(a: SyncIO[int], b: SyncIO[int], pair: SyncIOWriter[List[int]]):
    for left, right in a.stream_with(b, pad=True, fill=0):
        pair.write([left, right])
    for _, value in a.as_available(b):
        pair.write([value])
    pair.write([a.first(), *a.stream("latest"), *a.stream("new")])


@worker.processor(inputs=["number"], outputs=["sum"])
async def sums(number: IO[int], sum: IOWriter[int], state: Checkpoint[int]):
    total = state.value or 0
    async for value in number.stream():
        total += value
        await state.save(total)
    await sum.write(total)


@worker.stage
def staged(text: str) -> int:
    return len(text)


@worker.processor(outputs=["raw"])
def raw():
    yield IOVal("raw", b"\xff")
    yield IOVal("raw", 5)


@worker.processor(inputs=["x"], outputs=["y"])
async def many(x: IO[int]):
    async for value in x.stream():
        yield IOVal("y", value)


@worker.processor(inputs=["x"], outputs=["y"])
async def bad(x: IO[int]):
    if await x.first() == 1:
        raise KeyError("one")
    yield IOVal("y", {1j})


def test_outputs_come_back_as_their_types():
    assert run(worker, "split", {"text": ["a b", ""]}) == {"line": [Line("a b", ["a", "b"]), Line("", [])], "count": [2, 0]}
    found = run(worker, "pairs", {"a": [1, 2], "b": [3]})["pair"]
    assert found[:2] == [[1, 3], [2, 0]] and sorted(found[2:5]) == [[1], [2], [3]] and found[5:] == [[1, 2]]
    assert run(worker, "sums", {"number": [1, 2]}, state=10) == {"sum": [13]}
    assert run(worker, "raw") == {"raw": [b"\xff", 5]}
    assert run(worker, "many", {"x": range(20_000)}) == {"y": list(range(20_000))}


@worker.processor(inputs=["x"], outputs=["y"])
async def other(x: IO[str], y: IOWriter[int]):
    await y.write(await x.first())


@pytest.mark.parametrize("processor, inputs, error, said", [
    ("other", {"x": ["a"]}, PayloadError, "A value of the output y cannot be read as its annotated type: expected an integer, found 'a'"),
    ("bad", {"x": [1]}, KeyError, "one"), ("bad", {"x": [2]}, PayloadError, "complex has no JSON form"),
    ("bad", {"x": []}, FlowError, "complete and empty"), ("bad", {"x": ["a"]}, PayloadError, "expected an integer"),
    ("bad", {}, ValueError, "has the input x"), ("bad", {"x": [1], "z": []}, ValueError, "has no input z. It has: x"),
    ("bda", {}, FlowError, "Near it: bad"), ("bad", {"x": "ab"}, ValueError, r"a list, also if there is one value: 'x': \['ab'\]"),
    ("staged", {}, FlowError, "a stage of that name"),
])
def test_what_a_function_raises_is_raised(processor, inputs, error, said):
    with pytest.raises(error, match=said):
        run(worker, processor, inputs)
